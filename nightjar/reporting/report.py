"""The run report: one self-contained HTML page about one attempt.

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
from nightjar.reporting import item_space, model_sources, report_plots, report_tables
from nightjar.reporting.report_tables import Rows
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.readers_snapshot import newest_state

_MISSING_FIGURE = "The run folder does not contain this figure."


@dataclass(frozen=True)
class Picture:
    """One figure as base64 text with its caption, or, where there is none, a note that says why."""

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
    """Return the page as HTML; every value of a table is escaped.

    Raises:
        BadInput: there is no such attempt.
    """
    publication_id = folder.publication_id
    with newest_state(settings) as (connection, of_when):
        attempt = report_tables.attempt(connection, publication_id)
        if attempt is None:
            if of_when:
                raise NightjarError(
                    f"attempt {publication_id!r} is not found {of_when}",
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
                *_evaluation(connection, settings, folder),
                _model_sources(connection, folder),
                _item_space(connection, settings, folder),
                *_recommendations(connection, folder, attempt),
                *_data(connection, folder, attempt),
            ],
            "users": report_tables.users(connection, publication_id, attempt["data_date"]),
        }
    return _template().render(values)


def _evaluation(connection: Connection, settings: Settings, folder: RunFolder) -> list[Section]:
    publication_id = folder.publication_id
    return [
        Section(
            "gates",
            "Gates",
            report_tables.gates(connection, publication_id),
            "No gate has decided on this attempt.",
            pictures=[_differences(settings, folder)],
        ),
        Section(
            "metrics",
            "Metrics on the holdout",
            report_tables.metrics(connection, publication_id),
            "No metric was published with this attempt.",
            "champion is the refit of the champion on this run's data, consumed the held-out items of the users.",
            [_saved(folder, "training_curve.png", "Recall on a sample of the holdout after each epoch.")],
        ),
        Section(
            "slices",
            "Slices of the holdout",
            report_tables.slices(connection, publication_id),
            "No metric was published with this attempt.",
            pictures=[
                _saved(folder, "metrics.png", "Every metric of every model: all users, and those with least history.")
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


def _model_sources(connection: Connection, folder: RunFolder) -> Section:
    sources = model_sources.model_sources(connection, folder.publication_id)
    note = (
        "Weight: in the blend of scores; new to domain: for users whose items all lie in other domains; cold user: for "
        "users without any item. Recall: of lists by the source alone, on a sample of all users, or of those "
        "with held-out cold items. Contribution: to the score of a personal recommendation."
    )
    if any(each.kind is None for each in sources):
        note += " A source without kind was evaluated, but is not in the published model."
    if all(each.mean_contribution is None for each in sources):
        note += " No recommendation of this publication has contributions: it has none, or an earlier version made it."
    return Section(
        "model_sources",
        "Sources of the model",
        model_sources.table_of(sources),
        "No source was published with this attempt, or an earlier version published it.",
        note,
        [
            _drawn(
                report_plots.weights_and_contributions(sources),
                "Weight of each source in the blend, and its mean contribution to a personal recommendation.",
                "No weight to draw.",
            ),
            _saved(folder, "sources.png", "Recall of each source alone, beside that of the model."),
        ],
    )


def _item_space(connection: Connection, settings: Settings, folder: RunFolder) -> Section:
    items = item_space.embedded_items(connection, folder)
    caption = "No embeddings of this attempt are here, or its run folder is gone: there is no map of the items."
    if items is not None:
        drawn = len(items.item_ids)
        count = f"{drawn:,}" if drawn == items.items else f"{drawn:,} of {items.items:,}"
        caption = (
            f"{count} items by the published embeddings, placed by t-SNE of cosines: items that lie close are alike; "
            "directions, and distances between groups, have no meaning. An item with several values has the colour of "
            "its rarest, of those with most weight."
        )
    return Section(
        "item_vectors",
        "Items and their vectors",
        item_space.vectors_by_kind(folder),
        "No item of this run has a vector besides its embedding.",
        pictures=[
            _drawn(
                None if items is None else report_plots.item_points(items, folder.publication_id, settings.seed),
                caption,
                caption,
            )
        ],
    )


def _recommendations(connection: Connection, folder: RunFolder, attempt: dict[str, Any]) -> list[Section]:
    publication_id = folder.publication_id
    churn = report_tables.churn(connection, publication_id, attempt["data_date"])
    deciles = report_plots.popularity_deciles(
        report_tables.events_and_recommendations(connection, publication_id, attempt["data_date"])
    )
    return [
        Section(
            "sources",
            "Recommendations by source",
            report_tables.sources(connection, publication_id),
            "There are no recommendations.",
            pictures=[
                _drawn(
                    deciles,
                    "Recommendations by item popularity, beside the events of all dates.",
                    "Too few items to compare their popularity.",
                )
            ],
        ),
        Section("changes", "Changes since the previous publication", churn.rows, churn.note, churn.note),
        Section(
            "spread",
            "Spread over the catalogue",
            Rows([], []),
            "",
            pictures=[
                _saved(folder, "exposure.png", "Spread of all recommendations, and of the events, over the items."),
                _saved(folder, "popularity_weight.png", "The same model with popularity weights from 0 to 1."),
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
                    f"The last {report_tables.EVENT_DAYS_DRAWN} days with events, up to the data date.",
                    none,
                )
            ],
        ),
        Section(
            "event_types",
            "Event types",
            report_tables.event_types(folder),
            "The run folder does not contain the event weights.",
            report_tables.unknown_events(folder),
        ),
        Section(
            "excluded_users",
            "Excluded users",
            report_tables.excluded_users(connection, folder.publication_id),
            "None: no user exceeds NIGHTJAR_MAX_EVENTS_PER_DAY, where it is set.",
        ),
        Section("stages", "Stages", report_tables.stages(folder), "No stage has completed, or the run folder is gone."),
    ]


def _differences(settings: Settings, folder: RunFolder) -> Picture:
    try:
        evaluation = results.load(folder.evaluation)
    except NightjarError:
        return Picture(f"Differences to popularity and the champion: {_MISSING_FIGURE[0].lower()}{_MISSING_FIGURE[1:]}")
    caption = "Paired differences over the same users; left of the dotted line the model is worse."
    if evaluation.compared_champion is None:
        caption += " There is no champion yet: no earlier date was published."
    return _drawn(
        report_plots.model_differences(evaluation, settings), caption, "No two models were evaluated on the holdout."
    )


def _saved(folder: RunFolder, name: str, caption: str) -> Picture:
    path = folder.path / "plots" / name
    return _picture(path.read_bytes(), caption) if path.exists() else Picture(f"{caption} {_MISSING_FIGURE}")


def _drawn(figure: Figure | None, caption: str, note: str) -> Picture:
    return Picture(note) if figure is None else _picture(png(figure), caption)


def _picture(image: bytes, caption: str) -> Picture:
    return Picture(caption, base64.b64encode(image).decode())


def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html.j2")
