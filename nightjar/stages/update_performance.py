"""Brings the online metrics up to date: what was shown, clicked and bought, whenever it arrived.

Reads the raw tables and what a run built; writes `core.fct_exposures`, `intermediate` and `marts`. It writes nothing
that a run reads, so it may run beside one. Used by `nightjar performance` and the DAG `recommendation_performance`.
"""

from typing import Any

from nightjar.contract.errors import NightjarError
from nightjar.contract.interval import DataInterval
from nightjar.contract.settings import Settings
from nightjar.warehouse import readers_snapshot
from nightjar.warehouse.dbt_failures import failed_nodes_error
from nightjar.warehouse.dbt_runner import run_dbt, run_variables, with_failing_rows
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Connection

SELECTION = ("fct_exposures", "path:models/intermediate/performance", "path:models/marts/performance")
_IS_BUILT = "select count(*) from information_schema.tables where table_schema = 'core' and table_name = 'dim_items'"
_CURRENT = "select publication_id from recs.current_publication"


def run(settings: Settings, interval: DataInterval) -> int:
    """Build the models of the online metrics and run their tests; return how many of both.

    Where no run has built facts and dimensions yet, they are built first: exposures need no model.

    Raises:
        NightjarError: a model or a test failed; the message names it.
    """
    with open_warehouse(settings).connect(read_only=True) as connection:
        is_built = bool(_value(connection, _IS_BUILT))
        current = _value(connection, _CURRENT)
    given = run_variables(
        settings,
        interval_start=interval.start.isoformat(),
        interval_end=interval.end.isoformat(),
        publication_id=current or f"{interval.data_date}.0",
    )
    select = SELECTION if is_built else tuple(f"+{each}" for each in SELECTION)
    excluded = ("--exclude-resource-type", "unit_test", "exposure")
    results = run_dbt(settings, "build", "--quiet", "--select", *select, *excluded, variables=given)
    if not results:
        raise NightjarError(
            "the online metrics were not updated: dbt built nothing",
            code="dbt_built_nothing",
            stage="update_performance",
        )
    if failed := [each for each in results if each.status in ("error", "fail")]:
        skipped = sum(each.status == "skipped" for each in results)
        raise failed_nodes_error(
            "the online metrics were not updated", with_failing_rows(open_warehouse(settings), failed), skipped
        )
    readers_snapshot.refresh(open_warehouse(settings), "online metrics were updated")
    return len(results)


def _value(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
