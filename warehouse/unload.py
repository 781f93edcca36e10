"""The snapshot one run may see: facts and dimensions as of the run's end, as Parquet in its run folder.

Reads the dbt models of the schemas `intermediate` and `core`; the only place where the cut-off is applied.
"""

from datetime import UTC, datetime

from warehouse.adapters.protocol import Warehouse
from warehouse.run_folder import RunFolder

_FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)

_VERSION = "valid_from < $as_of and (valid_to is null or valid_to >= $as_of)"
ITEMS_AS_OF = f"""
    select item_id, domain, title,
        (available_from is null or available_from < $as_of)
        and (available_until is null or available_until >= $as_of) as is_available
    from core.dim_items where {_VERSION}
"""
_EVENT = "occurred_at < $as_of and ingested_at <= $ingested_before"


def _arrived(key: str) -> str:
    # An inferred version is known by an event only: where the event arrived too late, so did the version.
    visible = f"select {key} from intermediate.int_interactions_weighted where {_EVENT}"
    return f"(not is_inferred or {key} in ({visible}))"


_QUERIES = {
    "interactions": f"""
        select event_id, user_id, item_id, event_type, value, event_weight, half_life_days, occurred_at
        from intermediate.int_interactions_weighted
        where {_EVENT}
        order by user_id, occurred_at, event_id
    """,
    "items": f"{ITEMS_AS_OF} and {_arrived('item_id')} order by item_id",
    "item_features": f"""
        select item_id, feature, weight from core.dim_item_features
        where {_VERSION} and weight > 0 order by item_id, feature
    """,
    "users": f"""
        select user_id, created_at from core.dim_users
        where {_VERSION} and {_arrived("user_id")} order by user_id
    """,
    "user_features": f"""
        select user_id, feature, weight from core.dim_user_features
        where {_VERSION} and weight > 0 order by user_id, feature
    """,
}


def unload(warehouse: Warehouse, folder: RunFolder) -> dict[str, int]:
    """Write the five snapshot files of a run; return their row counts."""
    run = folder.record()
    cut_off = {"as_of": run.interval.as_of, "ingested_before": run.ingested_before or _FAR_FUTURE}
    queries = {
        folder.snapshot(name): (query, {key: value for key, value in cut_off.items() if f"${key}" in query})
        for name, query in _QUERIES.items()
    }
    return dict(zip(_QUERIES, warehouse.unload(queries), strict=True))
