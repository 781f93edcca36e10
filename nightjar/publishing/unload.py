"""Writes a run's snapshot: facts and dimensions as of its end, as Parquet in its run folder.

Reads the dbt models of the schemas `intermediate` and `core`, and `raw.event_weights`; the only place where the cut-off
is applied.
"""

from datetime import UTC, datetime

from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing import event_types, excluded_users
from nightjar.warehouse.event_weights import READ_ALL as EVENT_WEIGHTS
from nightjar.warehouse.protocol import Warehouse

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
    # An inferred version comes from an event: where the event arrived too late, so did the version.
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
    "item_vectors": f"""
        select item_id, kind, vector from core.dim_item_vectors
        where {_VERSION} order by kind, item_id
    """,
    "user_vectors": f"""
        select user_id, kind, vector from core.dim_user_vectors
        where {_VERSION} order by kind, user_id
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


# The events of excluded users get weight 0; their items stay seen.
_LIMITED_INTERACTIONS = f"""
    select event_id, user_id, item_id, event_type, value,
        case when user_id in (select user_id from ({excluded_users.query(_EVENT)}) as excluded) then 0
            else event_weight end as event_weight,
        half_life_days, occurred_at
    from intermediate.int_interactions_weighted
    where {_EVENT}
    order by user_id, occurred_at, event_id
"""


def unload(warehouse: Warehouse, folder: RunFolder, settings: Settings) -> dict[str, int]:
    """Write the seven snapshot files of a run; return their row counts.

    Beside them are `event_weights`, `event_types.json` (see `nightjar.publishing.event_types`) and, where the settings
    limit the events of a user on one date, `excluded_users`.

    Args:
        warehouse: with the facts that dbt built for the run.
        folder: of the run.
        settings: `max_events_per_day`.
    """
    run = folder.record()
    values = {
        "as_of": run.interval.as_of,
        "ingested_before": run.ingested_before or _FAR_FUTURE,
        "max_events_per_day": settings.max_events_per_day,
    }
    texts = {**_QUERIES, "event_weights": EVENT_WEIGHTS}
    if settings.max_events_per_day:
        texts["interactions"] = _LIMITED_INTERACTIONS
        texts["excluded_users"] = f"{excluded_users.query(_EVENT)} order by user_id, event_date"
    else:
        # Left by an unload that died under another setting.
        folder.snapshot("excluded_users").unlink(missing_ok=True)
    queries = {
        folder.snapshot(name): (query, {key: value for key, value in values.items() if f"${key}" in query})
        for name, query in texts.items()
    }
    rows = dict(zip(texts, warehouse.unload(queries), strict=True))
    event_types.write(folder)
    return {name: rows[name] for name in _QUERIES}
