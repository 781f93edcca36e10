"""Whether a run's interval holds about as many events as those before it: in all, and by parts that may be missing.

It is compared with the smallest of the seven intervals before: so a quiet Sunday is compared with the last Sunday, and
irregular data passes.
"""

from datetime import UTC, datetime

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval
from nightjar.warehouse.protocol import Connection

TRAILING_INTERVALS = 7
# Below this number a drop may be chance.
MIN_EVENTS_TO_COMPARE = 20
_FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)

_EVENTS = """
with arrived as (
    select user_id, item_id, event_type, occurred_at from raw.interactions
    where occurred_at < $bound_0 and ingested_at <= $ingested_before
),
of_users as (select user_id, min(occurred_at) as first_at from arrived group by user_id),
of_items as (select item_id, min(occurred_at) as first_at from arrived group by item_id),
domains as (select item_id, min(trim(domain)) as domain from raw.items group by item_id),
events as (
    select
        arrived.occurred_at,
        'of type ' || lower(trim(coalesce(arrived.event_type, 'null'))) as of_type,
        'in domain ' || coalesce(nullif(domains.domain, ''), 'default') as in_domain,
        'by users seen before' as by_users,
        'with items seen before' as with_items,
        of_users.first_at as user_since,
        of_items.first_at as item_since
    from arrived
    left join of_users on arrived.user_id = of_users.user_id
    left join of_items on arrived.item_id = of_items.item_id
    left join domains on arrived.item_id = domains.item_id
    where arrived.occurred_at >= $bound_8
)
"""
# How the events of an interval are grouped, and the condition of those that are counted.
_PARTS = {
    "'interactions'": "",
    "of_type": "",
    "in_domain": "",
    "by_users": " and user_since < $bound_{start}",
    "with_items": " and item_since < $bound_{start}",
}
# Versions of items are never deleted from raw.items, so a domain without items was lost.
_LOST_DOMAINS = """
select popular_items.domain
from recs.popular_items
inner join recs.current_publication on popular_items.publication_id = current_publication.publication_id
left join raw.items on popular_items.item_id = items.item_id
where popular_items.domain <> 'default'
group by popular_items.domain
having count(items.item_id) = 0
order by popular_items.domain
"""


def check_trailing_volume(
    connection: Connection, interval: DataInterval, ingested_before: datetime | None, min_fraction: float
) -> None:
    """Compare the interval's events with the seven intervals before it; a fraction of 0 turns the check off.

    They are compared in all, by event type, by domain, and those of users and items that had an event before the
    interval: ids of another scheme are all new.

    Raises:
        BadInput: some are fewer than that fraction of the smallest interval before, or `raw.items` lost a whole
            domain of the current publication; names every one.
    """
    if min_fraction == 0:
        return
    faults = {}
    for part, (now, *before) in _counts(connection, interval, ingested_before).items():
        smallest = min(before)
        if smallest >= MIN_EVENTS_TO_COMPARE and now < min_fraction * smallest:
            faults[part] = (now, smallest)
    if faults:
        parts = "; ".join(
            f"{now} {part}, at least {smallest} in each before" for part, (now, smallest) in faults.items()
        )
        raise BadInput(
            f"raw.interactions holds too little on {interval.data_date}: {parts} in "
            f"{TRAILING_INTERVALS} intervals; NIGHTJAR_MIN_VOLUME_SHARE requires {min_fraction:g} of that; "
            "0 turns the check off",
            code="volume_drop",
            table="raw.interactions",
            data_date=interval.data_date,
            setting="NIGHTJAR_MIN_VOLUME_SHARE",
            expected=min_fraction,
            parts=faults,
        )
    if lost := [domain for (domain,) in connection.execute(_LOST_DOMAINS).fetchall()]:
        raise BadInput(
            f"raw.items holds no item any more of {', '.join(lost)}, which the current publication lists; "
            "NIGHTJAR_MIN_VOLUME_SHARE=0 turns the check off",
            code="lost_domains",
            table="raw.items",
            setting="NIGHTJAR_MIN_VOLUME_SHARE",
            domains=lost,
        )


def _counts(connection: Connection, interval: DataInterval, ingested_before: datetime | None) -> dict[str, list[int]]:
    """Return for each part, in words, its events in the interval, in the one before it, and so on."""
    length = interval.end - interval.start
    bounds = {f"bound_{back}": interval.end - back * length for back in range(TRAILING_INTERVALS + 2)}
    selects = []
    for part, condition in _PARTS.items():
        windows = [
            f"count(*) filter (where occurred_at >= $bound_{back + 1} and occurred_at < $bound_{back}"
            f"{condition.format(start=back + 1)})"
            for back in range(TRAILING_INTERVALS + 1)
        ]
        selects.append(f"select {part} as part, {', '.join(windows)} from events group by 1")  # noqa: S608 the module's own constants
    rows = connection.execute(
        _EVENTS + " union all ".join(selects), bounds | {"ingested_before": ingested_before or _FAR_FUTURE}
    ).fetchall()
    counts = {part: [int(count) for count in windows] for part, *windows in rows}
    return {part: counts[part] for part in sorted(counts, key=lambda part: (part != "interactions", part))}
