"""Publishes the audited rows of a run, then names its model champion when readers see it."""

from nightjar.contract import progress
from nightjar.contract.artifacts.consistency import check_artifacts
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing import publish
from nightjar.publishing.content_hash import content_hash
from nightjar.publishing.ledger import IS_CURRENT, Published
from nightjar.stages.champion_alias import name_champion
from nightjar.warehouse import readers
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse


def run(settings: Settings, folder: RunFolder) -> str:
    """Publish the run in one transaction; return its outcome in one line, the last one the task prints.

    Raises:
        GateRefused: a gate refused the attempt, or gave no verdict on it.
        NightjarError: a newer attempt at the date has begun, nothing was staged, the model or an index is not what
            its stage wrote, or the readers' snapshot could not be written: then the run is published nevertheless.
    """
    record = folder.record()
    model = folder.read_mlflow_run()
    warehouse = open_warehouse(settings)
    with progress.stage(folder, "publish") as done:
        check_artifacts(folder)
        entry = publish.publish(
            warehouse,
            record,
            model_uri=model["model_uri"],
            mlflow_run_id=model["run_id"],
            content_hash=content_hash(folder),
        )
        try:
            if told := readers.refresh(warehouse, f"{entry.publication_id} was published"):
                done.say(told)
        finally:
            # Whatever became of the readers' file, the publication is out, and the same stage again writes the file.
            if entry.moved:
                name_champion(settings, warehouse)
        done.rows, recall = _published_figures(warehouse, entry.publication_id)
        done.say(_pointer(entry))
    return f"{_pointer(entry)}: {done.rows:,} recommendations, recall@{settings.metric_k} {recall}"


def _pointer(entry: Published) -> str:
    if entry.moved:
        return f"{entry.publication_id} {IS_CURRENT}"
    return f"{entry.publication_id} is history, current stays {entry.previous_publication_id}"


def _published_figures(warehouse: Warehouse, publication_id: str) -> tuple[int, str]:
    with warehouse.connect(read_only=True) as connection:
        rows, recall = connection.execute(
            "select max(p.recommendation_rows), max(m.value) from recs.publications p "
            "left join recs.model_metrics m on m.publication_id = p.publication_id "
            "and m.model = 'nightjar' and m.slice = 'all' and m.metric = 'recall' where p.publication_id = ?",
            [publication_id],
        ).fetchall()[0]
    return rows, "unmeasured" if recall is None else f"{recall:.4f}"
