"""From which publication a run is warm-started, where `NIGHTJAR_WARM_START` is on; docs/decisions/warm-start.md."""

from datetime import date

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.ledger import last_publication_of
from nightjar.warehouse.protocol import Connection

OFF, ON = "off", "on"
_NEWEST = """
    select publication_id, data_date from recs.publications
    where action in ('published', 'history') order by data_date desc, ledger_id desc limit 1
"""


def warm_start_from(settings: Settings, connection: Connection, data_date: date) -> str:
    """Return the publication from which a run of a date is warm-started; empty where it is trained from scratch.

    A date that was published before keeps its checkpoint. A date newer than all others is warm-started from the newest.
    A date in between, as of a backfill, is trained from scratch. So the result depends neither on the order in which
    dates are run nor on what is current.

    Args:
        settings: `warm_start` and where the run folders are.
        connection: to the ledger.
        data_date: of the run.

    Raises:
        BadInput: the checkpoint of the date's last publication is deleted.
    """
    if settings.warm_start == OFF:
        return ""
    last = last_publication_of(connection, data_date)
    if last is not None:
        return _checkpoint_of(settings, last)
    newest = connection.execute(_NEWEST).fetchone()
    if newest is None or newest[1] > data_date:
        return ""
    return str(newest[0]) if RunFolder.of(settings.lake, newest[0]).has_warm_start_checkpoints() else ""


def _checkpoint_of(settings: Settings, publication_id: str) -> str:
    checkpoint = RunFolder.of(settings.lake, publication_id).record().warm_start_from
    if checkpoint and not RunFolder.of(settings.lake, checkpoint).has_warm_start_checkpoints():
        raise BadInput(
            f"{publication_id} was warm-started from {checkpoint}, whose warm-start checkpoint is deleted: "
            "NIGHTJAR_WARM_START=off trains from scratch",
            code="missing_checkpoint",
            publication_id=publication_id,
            warm_start_from=checkpoint,
            setting="NIGHTJAR_WARM_START",
        )
    return checkpoint
