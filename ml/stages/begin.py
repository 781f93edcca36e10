"""Begins an attempt: its number, its publication id, its run folder."""

from ml.tracking_state import check_experiment
from warehouse.adapters.engines import open_warehouse
from warehouse.attempts import RunRequest, begin_attempt
from warehouse.interval import parse_instant, resolve
from warehouse.run_folder import RunRecord
from warehouse.settings import Settings, inherited_runner
from warehouse.stages import parse_stages


def run(
    settings: Settings,
    *,
    interval_start: str,
    interval_end: str,
    publish: str,
    stages: str,
    ingested_before: str,
    note: str,
    run_id: str,
) -> RunRecord:
    """Begin the next attempt at the interval's date.

    Raises:
        BadInput: an argument is wrong, the interval holds too few events, or MLflow's experiment is deleted.
    """
    check_experiment(settings)
    request = RunRequest(
        interval=resolve(interval_start, interval_end),
        run_id=run_id,
        publish_mode=publish,
        stages=parse_stages(stages),
        ingested_before=parse_instant("ingested_before", ingested_before) if ingested_before else None,
        note=note,
        runner=inherited_runner(),
    )
    return begin_attempt(settings, open_warehouse(settings), request)
