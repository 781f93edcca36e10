"""Queries of the quality and index pages: metrics on the holdout, recall and latency of the indices, by date."""

from nightjar.explorer.warehouse_queries import QueryResult, run_query
from nightjar.warehouse.protocol import Connection

# The last publication of each date, as in `recommendations_history`.
_LAST_OF_DATE = """
    select publication_id from (
        select publication_id, row_number() over (partition by data_date order by ledger_id desc) as newest_first
        from recs.publications where action in ('published', 'history')
    ) as entries where newest_first = 1
"""
_AVAILABLE_METRICS = """
    select distinct metric, slice, k from recs.model_metrics where value is not null order by metric, slice, k
"""
_METRIC = f"""
    select data_date, publication_id, model, value, users from recs.model_metrics
    where metric = ? and slice = ? and k = ? and value is not null and publication_id in ({_LAST_OF_DATE})
        and model {{models}}
    order by data_date, model
"""  # noqa: S608 the module's own constants
_MODELS = "in ('nightjar', 'popularity', 'champion', 'consumed')"
_INDICES = f"""
    select data_date, publication_id, index_name, item_count, recall_k, recall, latency_p50_ms, latency_p95_ms, ef, m,
        dim
    from recs.index_manifest where publication_id in ({_LAST_OF_DATE}) order by data_date desc, index_name
"""  # noqa: S608 the module's own constants


def available_metrics(connection: Connection) -> QueryResult:
    """List the metrics, slices and cut-offs that have a value."""
    return run_query(connection, _AVAILABLE_METRICS)


def metric_over_time(connection: Connection, metric: str, of_slice: str, k: int) -> QueryResult:
    """Return one metric of every compared model on one slice, date by date; each date shows its last publication."""
    return run_query(connection, _METRIC.format(models=_MODELS), metric, of_slice, k)


def sources_over_time(connection: Connection, metric: str, of_slice: str, k: int) -> QueryResult:
    """Return the same of each source of the model alone; only list metrics of all users and of cold items have it."""
    return run_query(connection, _METRIC.format(models=f"not {_MODELS}"), metric, of_slice, k)


def indices(connection: Connection) -> QueryResult:
    """Return each index of the last publication of each date, newest first."""
    return run_query(connection, _INDICES)
