"""The night's report: one page about one attempt that needs nothing but itself.

Reads the `recs` tables, `core` and the attempt's run folder. Used by the stage report, which logs the page to MLflow,
and by `nightjar report`.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from warehouse.adapters.engines import open_warehouse
from warehouse.adapters.protocol import Connection, fetch_row
from warehouse.errors import BadInput
from warehouse.run_folder import RunFolder, write_text
from warehouse.settings import Settings

PLOTS = {
    "training_curve.png": "Recall on a sample of the holdout after each epoch.",
    "metrics.png": "Every metric beside popularity's: all users, and those the model knew least of.",
    "exposure.png": "How the places of all lists, and what users took, spread over the items; the dotted line is "
    "perfectly even.",
    "popularity_weight.png": "What popularity is worth: the same model's lists with popularity_weight from 0 to 1.",
}

_ATTEMPT = """
    select o.*, p.model_uri, p.content_hash, p.code_version
    from recs.night_outcomes o
    left join recs.publications p on p.publication_id = o.publication_id and p.action <> 'rollback'
    where o.publication_id = ?
"""
_GATES = """
    select gate, verdict, metric, measured, threshold, lead_low, lead_high, reason from recs.gate_decisions
    where publication_id = ? order by decided_at, gate
"""
_METRICS = """
    select slice, metric || case when k > 0 then '@' || k else '' end as metric,
        max(case when model = 'nightjar' then value end) as nightjar,
        max(case when model = 'popularity' then value end) as popularity,
        max(case when model = 'champion' then value end) as champion,
        max(case when model = 'consumed' then value end) as consumed, max(users) as users
    from recs.model_metrics
    where publication_id = ? and metric in
        ('recall', 'ndcg', 'coverage', 'gini', 'top_share', 'novelty', 'average_popularity')
    group by slice, metric, k having count(value) > 0 order by slice, metric desc
"""
_INDICES = """
    select index_name, item_count as items, ef, recall, latency_p50_ms, latency_p95_ms
    from recs.index_manifest where publication_id = ? order by index_name
"""
_EVENTS = """
    select event_date, count(*) as events, count(distinct user_id) as users, count(distinct item_id) as items,
        max(ingested_at) as newest_arrival
    from core.fct_interactions where event_date <= ? group by event_date order by event_date desc limit 14
"""
_SOURCES = """
    select domain, source, count(*) as recommendations, count(distinct user_id) as users,
        count(distinct item_id) as items
    from recs.recommendations where publication_id = ? group by domain, source order by domain, source
"""
_USERS = """
    select user_id from recs.recommendations where publication_id = ? group by user_id order by md5(user_id) limit 10
"""
_HISTORY = """
    select e.event_date, coalesce(i.title, e.item_id) as item, e.event_type
    from core.fct_interactions e left join core.dim_items i on i.item_id = e.item_id and i.valid_to is null
    where e.user_id = ? and e.event_date <= ? order by e.occurred_at desc, e.event_id limit 5
"""
_LIST = """
    select r.domain, r.rank, coalesce(i.title, r.item_id) as item, r.source,
        coalesce(why.title, r.reason_item_id) as because_of
    from recs.recommendations r
    left join core.dim_items i on i.item_id = r.item_id and i.valid_to is null
    left join core.dim_items why on why.item_id = r.reason_item_id and why.valid_to is null
    where r.publication_id = ? and r.user_id = ? and r.rank <= 3 order by r.domain, r.rank
"""


@dataclass(frozen=True)
class Rows:
    """The answer of one query: column names and rows of text."""

    columns: list[str]
    rows: list[list[str]]


def write_report(settings: Settings, folder: RunFolder) -> Path:
    """Write the page of an attempt into its run folder and return its path.

    Raises:
        BadInput: there is no such attempt.
    """
    html = render(settings, folder)
    folder.report.parent.mkdir(parents=True, exist_ok=True)
    write_text(folder.report, html)
    return folder.report


def render(settings: Settings, folder: RunFolder) -> str:
    """Return the page as HTML; whatever a table or a title holds is escaped.

    Raises:
        BadInput: there is no such attempt.
    """
    publication_id = folder.publication_id
    with open_warehouse(settings).connect(read_only=True) as connection:
        attempt = _attempt(connection, publication_id)
        values: dict[str, Any] = {
            "attempt": attempt,
            "tables": {
                "Gates": _rows(connection, _GATES, publication_id),
                "Metrics on the holdout": _rows(connection, _METRICS, publication_id),
                "Indices": _rows(connection, _INDICES, publication_id),
                "Recommendations by source": _rows(connection, _SOURCES, publication_id),
                "Events of the last days": _rows(connection, _EVENTS, attempt["data_date"]),
                "Stages": _stages(folder),
            },
            "users": [
                (
                    user,
                    _rows(connection, _HISTORY, user, attempt["data_date"]),
                    _rows(connection, _LIST, publication_id, user),
                )
                for (user,) in connection.execute(_USERS, [publication_id]).fetchall()
            ],
        }
    return _template().render(values | {"plots": _plots(folder)})


def _attempt(connection: Connection, publication_id: str) -> dict[str, Any]:
    attempt = fetch_row(connection, _ATTEMPT, [publication_id])
    if attempt is None:
        raise BadInput(f"there is no attempt {publication_id!r}: see nightjar status")
    return attempt


def _rows(connection: Connection, query: str, *parameters: object) -> Rows:
    found = connection.execute(query, list(parameters))
    names = [column[0].replace("_", " ") for column in found.description or []]
    return Rows(names, [[_text(value) for value in row] for row in found.fetchall()])


def _stages(folder: RunFolder) -> Rows:
    lines = folder.progress.read_text(encoding="utf-8").splitlines() if folder.progress.exists() else []
    done = [json.loads(line) for line in lines]
    return Rows(
        ["stage", "rows", "seconds"],
        [[each["stage"], f"{each['rows']:,} {each['unit']}", f"{each['seconds']:.1f}"] for each in done],
    )


def _plots(folder: RunFolder) -> list[tuple[str, str]]:
    """Return the plots that are still there, each as base64 text with its caption."""
    there = [(folder.path / "plots" / name, caption) for name, caption in PLOTS.items()]
    return [(base64.b64encode(path.read_bytes()).decode(), caption) for path, caption in there if path.exists()]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html.j2")
