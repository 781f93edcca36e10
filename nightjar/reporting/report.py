"""The night's report: one page about one attempt that needs nothing but itself.

Reads the `recs` tables, `core` and the attempt's run folder. Used by the stage report, which logs the page to MLflow,
and by `nightjar report`.
"""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from matplotlib.figure import Figure

from ml.evaluation import results
from ml.evaluation.plots import png
from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.reporting import report_plots, report_tables
from nightjar.reporting.report_tables import Rows
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.readers_snapshot import newest_state

_GONE = "This figure is not, or no longer, in the run folder of the attempt."


@dataclass(frozen=True)
class Picture:
    """One figure as base64 text with its caption, or, where there is none, the words that say why."""

    caption: str
    image: str = ""


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: its anchor in the page.
        title: of the heading.
        rows: its table.
        empty: what a table without rows means.
        note: a line below the table.
        pictures: figures below it.
    """

    name: str
    title: str
    rows: Rows
    empty: str
    note: str = ""
    pictures: list[Picture] = field(default_factory=list)


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
    with newest_state(settings) as (connection, of_when):
        attempt = report_tables.attempt(connection, publication_id)
        if attempt is None:
            if of_when:
                raise NightjarError(
                    f"no attempt {publication_id!r} is known {of_when}",
                    code="unknown_publication",
                    publication_id=publication_id,
                )
            raise BadInput(
                f"there is no attempt {publication_id!r}: see nightjar status",
                code="unknown_publication",
                publication_id=publication_id,
            )
        values: dict[str, Any] = {
            "attempt": attempt | {"started_at": report_tables.text(attempt["started_at"])},
            "sections": [
                *_judgement(connection, settings, folder),
                *_lists(connection, folder, attempt),
                *_data(connection, folder, attempt),
            ],
            "users": report_tables.users(connection, publication_id, attempt["data_date"]),
        }
    return _template().render(values)


def _judgement(connection: Connection, settings: Settings, folder: RunFolder) -> list[Section]:
    publication_id = folder.publication_id
    return [
        Section(
            "gates",
            "Gates",
            report_tables.gates(connection, publication_id),
            "No gate has judged this attempt.",
            pictures=[_leads(settings, folder)],
        ),
        Section(
            "metrics",
            "Metrics on the holdout",
            report_tables.metrics(connection, publication_id),
            "No metric was published with this attempt.",
            "champion is the champion's recipe on this night's data, consumed what the users of the holdout took.",
            [_saved(folder, "training_curve.png", "Recall on a sample of the holdout after each epoch.")],
        ),
        Section(
            "slices",
            "Slices of the holdout",
            report_tables.slices(connection, publication_id),
            "No metric was published with this attempt.",
            pictures=[
                _saved(folder, "metrics.png", "Every metric beside its rivals': all users, and those known least of.")
            ],
        ),
        Section(
            "indices",
            "Indices",
            report_tables.indices(connection, publication_id),
            "No index was published with this attempt.",
            pictures=[
                _saved(
                    folder,
                    "index_recall.png",
                    "Recall against exact search and the time of a query, at several ef; the ring is the ef in use.",
                )
            ],
        ),
    ]


def _lists(connection: Connection, folder: RunFolder, attempt: dict[str, Any]) -> list[Section]:
    publication_id = folder.publication_id
    churn = report_tables.churn(connection, publication_id, attempt["data_date"])
    reach = report_plots.popularity_tenths(report_tables.reach(connection, publication_id, attempt["data_date"]))
    return [
        Section(
            "sources",
            "Recommendations by source",
            report_tables.sources(connection, publication_id),
            "Nobody got a recommendation.",
            pictures=[
                _drawn(
                    reach,
                    "Where the places of the lists fall, beside where the events of all dates did.",
                    "Too few items were shown and taken to compare their popularity.",
                )
            ],
        ),
        Section("changes", "Changed since the night before", churn.rows, churn.words, churn.words),
        Section(
            "spread",
            "Spread over the catalogue",
            Rows([], []),
            "",
            pictures=[
                _saved(
                    folder, "exposure.png", "How the places of all lists, and what users took, spread over the items."
                ),
                _saved(folder, "popularity_weight.png", "The same model's lists with popularity_weight from 0 to 1."),
            ],
        ),
    ]


def _data(connection: Connection, folder: RunFolder, attempt: dict[str, Any]) -> list[Section]:
    none, data_date = "There are no events up to this date.", attempt["data_date"]
    return [
        Section("data", "Data", report_tables.volume(connection, data_date), none),
        Section(
            "events",
            "Events of the last days",
            report_tables.events(connection, data_date),
            none,
            pictures=[
                _drawn(
                    report_plots.event_volume(report_tables.events_by_day(connection, data_date)),
                    f"The last {report_tables.EVENT_DAYS_DRAWN} days with events, up to the night's own.",
                    none,
                )
            ],
        ),
        Section(
            "event_types",
            "Event types",
            report_tables.event_types(folder),
            "The run folder does not, or no longer, say what event types counted.",
            report_tables.unknown_events(folder),
        ),
        Section(
            "excluded_users",
            "Users left out",
            report_tables.excluded_users(connection, folder.publication_id),
            "Nobody: no user had more events on one date than NIGHTJAR_MAX_EVENTS_PER_DAY allows, if it limits them.",
        ),
        Section("stages", "Stages", report_tables.stages(folder), "No stage has ended, or the run folder is gone."),
    ]


def _leads(settings: Settings, folder: RunFolder) -> Picture:
    try:
        held = results.load(folder.evaluation)
    except NightjarError:
        return Picture(f"Leads over popularity and the champion: {_GONE[0].lower()}{_GONE[1:]}")
    caption = "Differences of the same users' figures; left of the dotted line the model is behind."
    if held.compared_champion is None:
        caption += " There is no champion yet: no earlier date was published."
    return _drawn(report_plots.leads(held, settings), caption, "No two models were judged on the holdout.")


def _saved(folder: RunFolder, name: str, caption: str) -> Picture:
    path = folder.path / "plots" / name
    return _picture(path.read_bytes(), caption) if path.exists() else Picture(f"{caption} {_GONE}")


def _drawn(figure: Figure | None, caption: str, words: str) -> Picture:
    return Picture(words) if figure is None else _picture(png(figure), caption)


def _picture(image: bytes, caption: str) -> Picture:
    return Picture(caption, base64.b64encode(image).decode())


def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html.j2")
