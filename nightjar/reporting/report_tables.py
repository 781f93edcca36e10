"""The tables of the run report: queries of `recs`, `core` and the run folder about one attempt.

Used by `nightjar/reporting/report.py`. All queries of one page see the same state of the warehouse.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nightjar.contract.run_folder import RunFolder
from nightjar.publishing import event_types as event_types_of_run
from nightjar.publishing.event_counts import unknown_types_line
from nightjar.warehouse.protocol import Connection, fetch_row

_ATTEMPT = """
    select o.*, p.model_uri, p.content_hash, p.code_version
    from recs.night_outcomes o
    left join recs.publications p on p.publication_id = o.publication_id and p.action <> 'rollback'
    where o.publication_id = ?
"""
_GATES = """
    select gate, verdict, metric, measured, threshold, lead_low as difference_low, lead_high as difference_high, reason
    from recs.gate_decisions where publication_id = ? order by decided_at, gate
"""
_METRICS = """
    select metric || case when k > 0 then '@' || k else '' end as metric,
        max(case when model = 'nightjar' then value end) as nightjar,
        max(case when model = 'popularity' then value end) as popularity,
        max(case when model = 'champion' then value end) as champion,
        max(case when model = 'consumed' then value end) as consumed, max(users) as users
    from recs.model_metrics
    where publication_id = ? and slice = 'all' and model in ('nightjar', 'popularity', 'champion', 'consumed')
    group by metric, k having count(value) > 0 order by metric, k
"""
_SLICES = """
    select slice, max(users) as users,
        max(case when model = 'nightjar' and metric = 'recall' then value end) as recall,
        max(case when model = 'popularity' and metric = 'recall' then value end) as recall_of_popularity,
        max(case when model = 'champion' and metric = 'recall' then value end) as recall_of_champion,
        max(case when model = 'nightjar' and metric = 'ndcg' then value end) as ndcg,
        max(case when model = 'popularity' and metric = 'ndcg' then value end) as ndcg_of_popularity,
        max(case when model = 'champion' and metric = 'ndcg' then value end) as ndcg_of_champion,
        max(case when model = 'nightjar' and metric = 'coverage' then value end) as coverage
    from recs.model_metrics
    where publication_id = ? and metric in ('recall', 'ndcg', 'coverage')
        and model in ('nightjar', 'popularity', 'champion', 'consumed')
    group by slice having count(value) > 0 order by case when slice = 'all' then 0 else 1 end, slice
"""
_INDICES = """
    select index_name, item_count as items, ef, recall, latency_p50_ms, latency_p95_ms
    from recs.index_manifest where publication_id = ? order by index_name
"""
_EVENTS = """
    select event_date, count(*) as events, count(distinct user_id) as users, count(distinct item_id) as items,
        max(ingested_at) as newest_arrival
    from core.fct_interactions where event_date <= ? group by event_date order by event_date desc limit ?
"""
_VOLUME = """
    select count(*) as events, count(distinct user_id) as users, count(distinct item_id) as items,
        min(event_date) as first_date, max(occurred_at) as newest_event, max(ingested_at) as newest_arrival
    from core.fct_interactions where event_date <= ? having count(*) > 0
"""
_SOURCES = """
    select domain, source, count(*) as recommendations, count(distinct user_id) as users,
        count(distinct item_id) as items
    from recs.recommendations where publication_id = ? group by domain, source order by domain, source
"""
_PREVIOUS_PUBLICATION = """
    select publication_id from recs.publications
    where action in ('published', 'history') and data_date < ? order by data_date desc, ledger_id desc limit 1
"""
_CHURN = """
    select n.domain, count(*) as recommended, sum(case when o.item_id is null then 1 else 0 end) as new_recommendations,
        avg(case when o.item_id is null then 1.0 else 0.0 end) as churn
    from recs.recommendations n
    left join recs.recommendations o
        on o.publication_id = ? and o.user_id = n.user_id and o.domain = n.domain and o.item_id = n.item_id
    where n.publication_id = ? group by n.domain order by n.domain
"""
_EVENTS_AND_RECOMMENDATIONS = """
    select coalesce(consumed.item_id, recommended.item_id) as item_id, coalesce(consumed.events, 0) as events,
        coalesce(recommended.lists, 0) as lists
    from (
        select item_id, count(*) as events from core.fct_interactions where event_date <= ? group by item_id
    ) as consumed
    full outer join (
        select item_id, count(*) as lists from recs.recommendations where publication_id = ? group by item_id
    ) as recommended on consumed.item_id = recommended.item_id
    order by events desc, item_id
"""
_USERS = """
    select user_id from recs.recommendations where publication_id = ? group by user_id order by md5(user_id) limit 10
"""
_HISTORY = """
    select e.event_date, coalesce(i.title, e.item_id) as item, e.event_type
    from core.fct_interactions e left join core.dim_items i on i.item_id = e.item_id and i.valid_to is null
    where e.user_id = ? and e.event_date <= ? order by e.occurred_at desc, e.event_id limit 5
"""
_RECOMMENDATIONS = """
    select r.domain, r.rank, coalesce(i.title, r.item_id) as item, r.source,
        coalesce(why.title, r.reason_item_id) as because_of
    from recs.recommendations r
    left join core.dim_items i on i.item_id = r.item_id and i.valid_to is null
    left join core.dim_items why on why.item_id = r.reason_item_id and why.valid_to is null
    where r.publication_id = ? and r.user_id = ? and r.rank <= 3 order by r.domain, r.rank
"""
_EXCLUDED = """
    select user_id, event_date, events from recs.excluded_users where publication_id = ?
    order by events desc, user_id, event_date limit ?
"""
EVENT_DAYS_SHOWN, EVENT_DAYS_DRAWN, EXCLUDED_SHOWN = 14, 60, 50


@dataclass(frozen=True)
class Rows:
    """The result of one query: column names and rows of text."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Churn:
    """What changed since the previous publication, or why it cannot be compared."""

    rows: Rows
    note: str


def attempt(connection: Connection, publication_id: str) -> dict[str, Any] | None:
    """Return the attempt and its outcome, or None where there is none."""
    return fetch_row(connection, _ATTEMPT, [publication_id])


def gates(connection: Connection, publication_id: str) -> Rows:
    """Return the gate decisions in their order of time."""
    return _rows(connection, _GATES, publication_id)


def metrics(connection: Connection, publication_id: str) -> Rows:
    """Return each metric over all users of the holdout, one column a model."""
    return _rows(connection, _METRICS, publication_id)


def slices(connection: Connection, publication_id: str) -> Rows:
    """Return recall, NDCG and coverage on each slice of the holdout."""
    return _rows(connection, _SLICES, publication_id)


def indices(connection: Connection, publication_id: str) -> Rows:
    """Return recall and latency of the indices."""
    return _rows(connection, _INDICES, publication_id)


def volume(connection: Connection, data_date: date) -> Rows:
    """Return one row: how much data the run could use, and how fresh it was."""
    return _rows(connection, _VOLUME, data_date)


def events(connection: Connection, data_date: date) -> Rows:
    """Return the events of the last days, newest first."""
    return _rows(connection, _EVENTS, data_date, EVENT_DAYS_SHOWN)


def events_by_day(connection: Connection, data_date: date) -> list[tuple[date, int]]:
    """Return date and number of events of the last days with events, oldest first."""
    cursor = connection.execute(_EVENTS, [data_date, EVENT_DAYS_DRAWN]).fetchall()
    return [(row[0], row[1]) for row in reversed(cursor)]


def event_types(folder: RunFolder) -> Rows:
    """Return the weight of each event type in the run, the most frequent first."""
    names = ["event type", "weight", "min value", "half life days", "events", "known"]
    rows = [
        [
            each.event_type,
            f"{each.weight:g}",
            "" if each.min_value is None else f"{each.min_value:g}",
            "" if each.half_life_days is None else f"{each.half_life_days:g}",
            f"{each.events:,}",
            "" if each.is_known else "unknown",
        ]
        for each in event_types_of_run.read(folder)
        if each.events
    ]
    return Rows(names, rows)


def unknown_events(folder: RunFolder) -> str:
    """Return a line with the run's events of types without a weight; empty where there are none."""
    unknown = {each.event_type: each for each in event_types_of_run.read(folder) if not each.is_known}
    if not unknown:
        return ""
    counts = {name: each.events for name, each in unknown.items()}
    return unknown_types_line(counts, next(iter(unknown.values())).weight)


def excluded_users(connection: Connection, publication_id: str) -> Rows:
    """Return the excluded users with the dates and numbers of events that exclude them, most events first."""
    return _rows(connection, _EXCLUDED, publication_id, EXCLUDED_SHOWN)


def sources(connection: Connection, publication_id: str) -> Rows:
    """Return the number of recommendations by source."""
    return _rows(connection, _SOURCES, publication_id)


def churn(connection: Connection, publication_id: str, data_date: date) -> Churn:
    """Compare the recommendations with those of the last publication of the newest earlier date."""
    previous = connection.execute(_PREVIOUS_PUBLICATION, [data_date]).fetchone()
    if previous is None:
        return Churn(Rows([], []), "No earlier date was published.")
    kept = connection.execute("select 1 from recs.recommendations where publication_id = ? limit 1", [previous[0]])
    if kept.fetchone() is None:
        return Churn(Rows([], []), f"Retention has deleted the recommendations of {previous[0]}.")
    rows = _rows(connection, _CHURN, previous[0], publication_id)
    return Churn(rows, f"Against {previous[0]}." if rows.rows else "There are no recommendations.")


def events_and_recommendations(connection: Connection, publication_id: str, data_date: date) -> list[tuple[int, int]]:
    """Return each item's numbers of events and of recommendations, the item with the most events first."""
    return [
        (row[1], row[2])
        for row in connection.execute(_EVENTS_AND_RECOMMENDATIONS, [data_date, publication_id]).fetchall()
    ]


def users(connection: Connection, publication_id: str, data_date: date) -> list[tuple[str, Rows, Rows]]:
    """Return ten users, the same in every run, with their last events and first recommendations."""
    return [
        (user, _rows(connection, _HISTORY, user, data_date), _rows(connection, _RECOMMENDATIONS, publication_id, user))
        for (user,) in connection.execute(_USERS, [publication_id]).fetchall()
    ]


def stages(folder: RunFolder) -> Rows:
    """Return the completed stages, with rows and seconds."""
    lines = folder.progress.read_text(encoding="utf-8").splitlines() if folder.progress.exists() else []
    done = [json.loads(line) for line in lines]
    return Rows(
        ["stage", "rows", "seconds"],
        [[each["stage"], f"{each['rows']:,} {each['unit']}", f"{each['seconds']:.1f}"] for each in done],
    )


def _rows(connection: Connection, query: str, *parameters: object) -> Rows:
    cursor = connection.execute(query, list(parameters))
    names = [column[0].replace("_", " ") for column in cursor.description or []]
    return Rows(names, [[text(value) for value in row] for row in cursor.fetchall()])


def text(value: object) -> str:
    """Return a value as the page shows it; a time without its seconds, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value) if isinstance(value, (str, date)) else f"{value:.4f}"
