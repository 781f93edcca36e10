"""Points readers to an earlier publication by a ledger entry; nothing is trained.

Writes `recs.publications` and `recs.current_publication`; used by `nightjar rollback`.
"""

from typing import Any

from nightjar.contract.errors import BadInput
from nightjar.contract.failpoints import failpoint
from nightjar.contract.tables import table
from nightjar.publishing.integrity import check_intact
from nightjar.publishing.ledger import Published, add_entry, current_publication, point_to
from nightjar.warehouse.protocol import Connection, Warehouse, fetch_row

_OF_THE_ENTRY = ("ledger_id", "previous_publication_id", "actor", "reason", "action", "recorded_at")
_OF_THE_PUBLICATION = [name for name in table("recs.publications").column_names if name not in _OF_THE_ENTRY]


def roll_back(warehouse: Warehouse, publication_id: str, *, actor: str, reason: str) -> Published:
    """Point readers to an earlier publication and add a ledger entry.

    A second call by the same actor for the same reason changes nothing, so that a task can be retried.

    Raises:
        BadInput: there is no such publication, it is incomplete, it is current already, or the reason is empty.
    """
    if not reason.strip():
        raise BadInput(
            "--reason is empty: the ledger keeps why a publication was rolled back",
            code="empty_value",
            option="--reason",
        )
    # Read before anything is written: a home without a warehouse is refused and stays empty.
    target = _first_entry(warehouse, publication_id)
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        current = current_publication(connection)
        if current and current[0] == publication_id:
            return _same_rollback(connection, publication_id, actor, reason)
        check_intact(connection, publication_id)
        previous = current[0] if current else None
        entry = add_entry(
            connection, **target, action="rollback", previous_publication_id=previous, actor=actor, reason=reason
        )
        failpoint("roll_back:after_ledger")
        point_to(connection, publication_id, target["data_date"], entry)
        failpoint("roll_back:before_commit")
    failpoint("roll_back:after_commit")
    return Published(entry, publication_id, previous, True)


def model_uri(warehouse: Warehouse, publication_id: str) -> str:
    """Return the registered model version of a publication, e.g. `models:/nightjar/7`.

    Raises:
        BadInput: there is no such publication.
    """
    return str(_first_entry(warehouse, publication_id)["model_uri"])


def _first_entry(warehouse: Warehouse, publication_id: str) -> dict[str, Any]:
    """Return the columns of the ledger that describe the publication itself."""
    with warehouse.connect(read_only=True) as connection:
        entry = fetch_row(
            connection,
            f"select {', '.join(_OF_THE_PUBLICATION)} from recs.publications where publication_id = ? "  # noqa: S608 the module's own constants
            "order by ledger_id limit 1",
            [publication_id],
        )
    if entry is None:
        raise BadInput(
            f"publication {publication_id!r} is not in recs.publications: see nightjar status",
            code="unknown_publication",
            publication_id=publication_id,
            table="recs.publications",
        )
    return entry


def _same_rollback(connection: Connection, publication_id: str, actor: str, reason: str) -> Published:
    row = connection.execute(
        "select p.ledger_id, p.previous_publication_id from recs.publications p "
        "join recs.current_publication using (ledger_id) where p.action = 'rollback' and p.actor = ? and p.reason = ?",
        [actor, reason],
    ).fetchone()
    if row is None:
        raise BadInput(
            f"publication {publication_id!r} is current already", code="already_current", publication_id=publication_id
        )
    return Published(row[0], publication_id, row[1], True)
