"""The report of one attempt, over tables filled by hand."""

import json
import re
from dataclasses import asdict
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.evaluation.evaluate import LIST_METRICS
from ml.evaluation.results import EvaluationResults, save
from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing import event_types
from nightjar.publishing.event_types import EventType
from nightjar.reporting import item_space
from nightjar.reporting.report import write_report
from nightjar.warehouse.protocol import Connection, Warehouse
from tests.support.insert_rows import lay_row, run_script
from tests.support.refusals import refused

PUBLISHED, REFUSED = "2026-03-31.1", "2026-03-31.2"
HOSTILE = "<script>alert('x')</script> & Söhne"

# What dbt builds, with the columns that the report reads.
FILL = f"""
    create table core.dim_items as select * from (values
        ('i1', 'Hedda', null), ('i2', $${HOSTILE}$$, null), ('i3', 'Former', 1)
    ) as t(item_id, title, valid_to);
    create table core.fct_interactions as select * from (values
        ('e1', 'u1', 'i1', 'view', timestamptz '2026-03-30 10:00Z', date '2026-03-30', timestamptz '2026-03-30 11:00Z'),
        ('e2', 'u2', 'i1', 'view', timestamptz '2026-03-30 12:00Z', date '2026-03-30', timestamptz '2026-03-30 13:00Z'),
        ('e3', 'u1', 'i3', 'buy', timestamptz '2026-04-01 10:00Z', date '2026-04-01', timestamptz '2026-04-01 10:00Z')
    ) as t(event_id, user_id, item_id, event_type, occurred_at, event_date, ingested_at);
    create table recs.night_outcomes as select * from (values
        ('{PUBLISHED}', date '2026-03-31', 1, 'nightly', 'published', true, 1234, 'why so'),
        ('{REFUSED}', date '2026-03-31', 2, 'nightly', 'refused', false, null, 'too bad')
    ) as t(publication_id, data_date, attempt, run_id, outcome, is_current, recommendation_rows, reason);
    alter table recs.night_outcomes add column started_at timestamptz;
    alter table recs.night_outcomes add column previous_publication_id varchar;
    alter table recs.night_outcomes add column is_changed boolean;
    insert into recs.gate_decisions
        (publication_id, data_date, gate, verdict, metric, measured, threshold, lead_low, lead_high, reason, decided_at)
        values ('{REFUSED}', '2026-03-31', 'popularity', 'refused', 'recall@10', 0.125, 0.25, -0.15, -0.1,
            'r', '2026-04-01 01:05Z');
    insert into recs.model_metrics (publication_id, data_date, model, slice, metric, k, value, users) values
        ('{PUBLISHED}', '2026-03-31', 'nightjar', 'all', 'recall', 10, 0.2231, 943),
        ('{PUBLISHED}', '2026-03-31', 'popularity', 'all', 'recall', 10, 0.1301, 943),
        ('{PUBLISHED}', '2026-03-31', 'nightjar', 'all', 'gini', 10, 0.8, 943),
        ('{PUBLISHED}', '2026-03-31', 'champion', 'all', 'gini', 10, 0.75, 943),
        ('{PUBLISHED}', '2026-03-31', 'consumed', 'all', 'gini', 10, 0.5, 943),
        ('{PUBLISHED}', '2026-03-31', 'lightfm', 'all', 'recall', 10, 0.2, 1000),
        ('{PUBLISHED}', '2026-03-31', 'lightfm', 'all', 'precision', 10, 0.7, 1000),
        ('{PUBLISHED}', '2026-03-31', 'content', 'cold_item', 'recall', 10, 0.16, 1000);
    insert into recs.model_sources (publication_id, data_date, source, kind, items, weight, fit_seconds) values
        ('{PUBLISHED}', '2026-03-31', 'trending', 'item_scores', 'warm', 0.0, 0.04),
        ('{PUBLISHED}', '2026-03-31', 'ease', 'item_weights', 'warm', 0.25, null),
        ('{PUBLISHED}', '2026-03-31', 'lightfm', 'vectors', 'warm', 0.75, 10.97);
"""


RECOMMENDED = [
    ("films", 1, "i2", 0.5, "personal", '{"lightfm":0.75,"ease":-0.25}', "i1"),
    ("films", 2, "i9", 0.25, "popular", None, None),
    ("books", 1, "b1", 1.25, "personal", '{"lightfm":1.25}', None),
    ("books", 2, "b2", 9.0, "cold_user", '{"lightfm":9}', None),
]
NOT_IN_THE_MODEL, WITHOUT_CONTRIBUTIONS = "A source without kind", "has contributions"


@pytest.fixture(autouse=True)
def _filled(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        run_script(connection, FILL)
        names = ("domain", "rank", "item_id", "score", "source", "contributions", "reason_item_id")
        for row in RECOMMENDED:
            keys = {"publication_id": PUBLISHED, "data_date": date(2026, 3, 31), "user_id": "u1"}
            lay_row(connection, "recs.recommendations", keys | dict(zip(names, row, strict=True)))


def page(settings: Settings, publication_id: str) -> str:
    return write_report(settings, RunFolder.of(settings.lake, publication_id)).read_text()


def section(html: str, name: str) -> str:
    """The HTML of one section."""
    match = re.search(rf'<section id="{name}">(.*?)</section>', html, re.DOTALL)
    assert match, name
    return match[1]


def rows(html: str, name: str) -> list[list[str]]:
    """The cells of the table in one section; no rows where a note stands in its place."""
    table = section(html, name).partition("<table>")[2].partition("</table>")[0]
    return [re.findall(r"<td>(.*?)</td>", row) for row in table.split("</tr>") if "<td>" in row]


def empty(html: str, name: str) -> int:
    """The number of tables and pictures in one section that a note replaces."""
    return section(html, name).count('<p class="empty">')


def test_the_page_shows_outcome_metrics_and_data_volume_of_its_run(settings: Settings) -> None:
    html = page(settings, PUBLISHED)
    assert '<span class="outcome published">published</span>' in html
    assert "why so" in html
    assert "<dd>1,234</dd>" in html
    assert rows(html, "metrics") == [
        ["gini@10", "0.8000", "", "0.7500", "0.5000", "943"],
        ["recall@10", "0.2231", "0.1301", "", "", "943"],
    ]
    assert rows(html, "slices") == [["all", "943", "0.2231", "0.1301", "", "", "", "", ""]]
    # Events after the data interval are not its input.
    assert rows(html, "events") == [["2026-03-30", "2", "2", "1", "2026-03-30 13:00 UTC"]]
    assert rows(html, "data") == [["2", "2", "1", "2026-03-30", "2026-03-30 12:00 UTC", "2026-03-30 13:00 UTC"]]
    assert rows(html, "sources") == [
        ["books", "cold_user", "1", "1", "1"],
        ["books", "personal", "1", "1", "1"],
        ["films", "personal", "1", "1", "1"],
        ["films", "popular", "1", "1", "1"],
    ]


def test_sources_show_weight_recall_alone_and_mean_contribution_to_personal_recommendations(
    settings: Settings,
) -> None:
    html = page(settings, PUBLISHED)
    # (0.75 + 1.25) / 2 and (-0.25 + 0) / 2: a source that a row does not name adds nothing to it.
    assert rows(html, "model_sources") == [
        ["lightfm", "vectors", "warm", "0.7500", "11.0", "0.2000", "1.0000"],
        ["ease", "item_weights", "warm", "0.2500", "", "", "-0.1250"],
        ["trending", "item_scores", "warm", "0.0000", "0.0", "", "0.0000"],
        ["content", "", "cold", "", "", "0.1600", ""],
    ]
    assert "<th>recall@10 alone</th>" in section(html, "model_sources")
    assert NOT_IN_THE_MODEL in section(html, "model_sources")
    assert WITHOUT_CONTRIBUTIONS not in section(html, "model_sources")
    # The weights are drawn from the warehouse, recall alone is in the run folder.
    assert section(html, "model_sources").count("data:image/png;base64,") == 1


RUN_ITEMS = {"i1": "films", "i2": "films", "i3": "books", "i4": "books"}


def lay_items_of_the_run(settings: Settings, domains: dict[str, str]) -> RunFolder:
    """Lay the run's items, their features, and vectors: of two kinds, and of an item that the run does not have."""
    folder = RunFolder.of(settings.lake, PUBLISHED)
    folder.snapshot_folder.mkdir(parents=True)
    items = pa.table({"item_id": list(domains), "domain": list(domains.values())})
    pq.write_table(items, folder.snapshot("items"))
    # With the items that the run does not have, more would have a year than a genre.
    features = [
        ("i8", "year:1990", 1.0),
        ("i1", "year:1990", 1.0),
        ("i1", "genre:a", 1.0),
        ("i2", "genre:b", 1.0),
        ("i9", "year:1990", 1.0),
    ]
    columns = zip(("item_id", "feature", "weight"), zip(*features, strict=True), strict=True)
    pq.write_table(pa.table({name: list(values) for name, values in columns}), folder.snapshot("item_features"))
    vectors = [("i1", "clip", [1.0, 2.0]), ("i2", "clip", [3.0, 4.0]), ("i3", "clip", [5.0, 6.0])]
    vectors += [("i9", "clip", [7.0, 8.0]), ("i4", "sound", [1.0, 2.0, 3.0])]
    columns = zip(("item_id", "kind", "vector"), zip(*vectors, strict=True), strict=True)
    pq.write_table(pa.table({name: list(values) for name, values in columns}), folder.snapshot("item_vectors"))
    return folder


def lay_embeddings(warehouse: Warehouse, items: int) -> None:
    with warehouse.transaction() as connection:
        for number in range(1, items + 1):
            row = {"publication_id": PUBLISHED, "data_date": date(2026, 3, 31), "item_id": f"i{number}", "bias": 0.0}
            lay_row(connection, "recs.item_embeddings", row | {"embedding": [1.0, float(number)], "source": "trained"})


def test_each_kind_of_vector_shows_its_dimension_and_how_many_items_of_the_run_have_one(
    settings: Settings, warehouse: Warehouse
) -> None:
    lay_items_of_the_run(settings, RUN_ITEMS)
    lay_embeddings(warehouse, 4)
    html = page(settings, PUBLISHED)
    assert rows(html, "item_vectors") == [["clip", "2", "3", "75.0%"], ["sound", "3", "1", "25.0%"]]
    assert section(html, "item_vectors").count("data:image/png;base64,") == 1
    assert empty(html, "item_vectors") == 0


def test_without_vectors_and_embeddings_a_line_stands_for_each(settings: Settings) -> None:
    html = page(settings, PUBLISHED)
    assert rows(html, "item_vectors") == []
    assert section(html, "item_vectors").count("data:image/png;base64,") == 0
    assert empty(html, "item_vectors") == 2


@pytest.mark.parametrize(
    ("domains", "colours_by", "values"),
    [
        (RUN_ITEMS, "domain", {item_id: [(domain, 1.0)] for item_id, domain in RUN_ITEMS.items()}),
        # Two of the run's items have a genre and one a year: i9 is not of the run.
        (dict.fromkeys(RUN_ITEMS, "films"), "genre", {"i1": [("a", 1.0)], "i2": [("b", 1.0)]}),
    ],
    ids=["several domains", "one domain"],
)
def test_the_map_draws_a_sample_coloured_by_domain_or_by_the_commonest_kind_of_feature(
    settings: Settings,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    domains: dict,
    colours_by: str,
    values: dict,
) -> None:
    folder = lay_items_of_the_run(settings, domains)
    lay_embeddings(warehouse, 4)
    monkeypatch.setattr(item_space, "MOST_DRAWN", 3)
    with warehouse.connect(read_only=True) as connection:
        drawn = item_space.embedded_items(connection, folder)
    assert drawn is not None
    # md5 of i1 to i4 begins with 9c, fc, 51 and a9.
    assert drawn.item_ids == ["i1", "i3", "i4"]
    assert drawn.vectors.tolist() == [[1, 1], [1, 3], [1, 4]]
    assert drawn.items == 4
    assert (drawn.colours_by, drawn.values) == (colours_by, values)


def weights_of(html: str) -> list[list[str]]:
    """The names of the columns between `items` and `fit seconds`, then what they hold of each source of the model."""
    names = re.findall(r"<th>(.*?)</th>", section(html, "model_sources"))
    weights = slice(names.index("items") + 1, names.index("fit seconds"))
    return [names[weights], *(row[weights] for row in rows(html, "model_sources"))]


def weigh(warehouse: Warehouse, column: str, *of_lightfm_ease_and_trending: float) -> None:
    with warehouse.transaction() as connection:
        for source, weight in zip(("lightfm", "ease", "trending"), of_lightfm_ease_and_trending, strict=True):
            connection.execute(f"update recs.model_sources set {column} = ? where source = ?", [weight, source])


def test_weights_of_users_new_to_a_domain_and_of_cold_users_are_shown_where_they_differ(
    settings: Settings, warehouse: Warehouse
) -> None:
    weigh(warehouse, "weight_new_to_domain", 0.75, 0.25, 0.0)
    weigh(warehouse, "weight_cold_user", 1.0, 0.0, 0.0)
    as_weight = [["weight"], ["0.7500"], ["0.2500"], ["0.0000"], [""]]
    assert weights_of(page(settings, PUBLISHED)) == as_weight
    weigh(warehouse, "weight_new_to_domain", 0.5, 0.0, 0.5)
    assert weights_of(page(settings, PUBLISHED)) == [
        ["weight", "new to domain"],
        ["0.7500", "0.5000"],
        ["0.2500", "0.0000"],
        ["0.0000", "0.5000"],
        ["", ""],
    ]
    weigh(warehouse, "weight_cold_user", 0.875, 0.0, 0.125)
    assert [row[1:] for row in weights_of(page(settings, PUBLISHED))] == [
        ["new to domain", "cold user"],
        ["0.5000", "0.8750"],
        ["0.0000", "0.0000"],
        ["0.5000", "0.1250"],
        ["", ""],
    ]
    weigh(warehouse, "weight_new_to_domain", 0.75, 0.25, 0.0)
    assert weights_of(page(settings, PUBLISHED))[0] == ["weight", "cold user"]


def test_a_source_with_a_weight_for_users_new_to_a_domain_alone_has_a_mean_contribution(
    settings: Settings, warehouse: Warehouse
) -> None:
    weigh(warehouse, "weight_new_to_domain", 0.5, 0.0, 0.5)
    with warehouse.transaction() as connection:
        connection.execute(
            "update recs.recommendations set contributions = ? where item_id = 'b1'",
            ['{"lightfm":0.75,"trending":0.5}'],
        )
    means = {row[0]: row[-1] for row in rows(page(settings, PUBLISHED), "model_sources")}
    assert means == {"lightfm": "0.7500", "ease": "-0.1250", "trending": "0.2500", "content": ""}


def test_a_table_of_sources_of_an_earlier_version_has_the_weight_alone(
    settings: Settings, warehouse: Warehouse
) -> None:
    html = page(settings, PUBLISHED)
    assert weights_of(html) == [["weight"], ["0.7500"], ["0.2500"], ["0.0000"], [""]]
    with warehouse.transaction() as connection:
        for column in ("weight_new_to_domain", "weight_cold_user"):
            connection.execute(f"alter table recs.model_sources drop column {column}")
    assert page(settings, PUBLISHED) == html


def test_the_page_of_a_publication_of_an_earlier_version_says_that_it_has_no_sources(
    settings: Settings, warehouse: Warehouse
) -> None:
    with warehouse.transaction() as connection:
        connection.execute("update recs.recommendations set contributions = null")
    html = page(settings, PUBLISHED)
    assert [row[-1] for row in rows(html, "model_sources")] == [""] * 4
    assert WITHOUT_CONTRIBUTIONS in section(html, "model_sources")
    with warehouse.transaction() as connection:
        connection.execute("alter table recs.recommendations drop column contributions")
    assert page(settings, PUBLISHED) == html
    with warehouse.transaction() as connection:
        connection.execute("drop table recs.model_sources")
    html = page(settings, PUBLISHED)
    # The table and both figures.
    assert (rows(html, "model_sources"), empty(html, "model_sources")) == ([], 3)
    assert len(rows(html, "sources")) == 4


def test_recommendations_show_titles_and_titles_are_escaped(settings: Settings) -> None:
    html = page(settings, PUBLISHED)
    assert "<script" not in html
    assert "<td>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; Söhne</td><td>personal</td><td>Hedda</td>" in html
    # An item without a title is shown by its id.
    assert "<td>2</td><td>i9</td><td>popular</td><td></td>" in html
    assert "<td>2026-03-30</td><td>Hedda</td><td>view</td>" in html
    assert "Former" not in html


def test_the_page_of_a_refused_attempt_shows_the_refusal(settings: Settings) -> None:
    html = page(settings, REFUSED)
    assert rows(html, "gates") == [
        ["popularity", "refused", "recall@10", "0.1250", "0.2500", "-0.1500", "-0.1000", "r"]
    ]
    assert '<tr class="refused">' in html
    # The table and the plot of each.
    assert {name: empty(html, name) for name in ("sources", "model_sources", "metrics", "indices", "users")} == {
        "sources": 2,
        "model_sources": 3,
        "metrics": 2,
        "indices": 2,
        "users": 1,
    }


def test_plots_and_stages_of_the_run_folder_are_inside_the_page(settings: Settings) -> None:
    folder = RunFolder.of(settings.lake, PUBLISHED)
    (folder.path / "plots").mkdir(parents=True)
    (folder.path / "plots" / "metrics.png").write_bytes(b"a picture")
    folder.progress.write_text(json.dumps({"stage": "unload", "rows": 1234, "unit": "rows", "seconds": 0.25}) + "\n")
    html = page(settings, PUBLISHED)
    # The events of the days and the sources' weights are drawn from the warehouse.
    assert html.count("data:image/png;base64,") == 3
    assert "data:image/png;base64,YSBwaWN0dXJl" in html
    assert rows(html, "stages") == [["unload", "1,234 rows", "0.2"]]
    # The page loads nothing from the network.
    assert not re.search(r"(src|href)=.?(http|//)", html)


def test_event_types_and_excluded_users_are_those_of_the_run(settings: Settings, warehouse: Warehouse) -> None:
    folder = RunFolder.of(settings.lake, PUBLISHED)
    event_types.path_in(folder).parent.mkdir(parents=True)
    types = [
        ("poke", 0.0, None, None, 7, False),
        ("view", 0.3, None, 180.0, 1200, True),
        ("watch", 1.0, 0.9, None, 0, True),
    ]
    event_types.path_in(folder).write_text(json.dumps([asdict(EventType(*each)) for each in types]))
    with warehouse.transaction() as connection:
        for day, events in ((30, 900), (31, 2000)):
            of_date = {"data_date": date(2026, 3, 31), "event_date": date(2026, 3, day)}
            row = {"publication_id": PUBLISHED, **of_date, "user_id": "bot", "events": events}
            lay_row(connection, "recs.excluded_users", row)
    html = page(settings, PUBLISHED)
    assert rows(html, "event_types") == [["view", "0.3", "", "180", "1,200", ""], ["poke", "0", "", "", "7", "unknown"]]
    assert rows(html, "excluded_users") == [["bot", "2026-03-31", "2,000"], ["bot", "2026-03-30", "900"]]
    # A run of a version that recorded neither.
    refused_page = page(settings, REFUSED)
    assert (empty(refused_page, "event_types"), empty(refused_page, "excluded_users")) == (1, 1)


def churn_rows(html: str) -> list[list[str]]:
    return rows(html, "changes")


def test_recommendations_are_compared_with_those_of_the_previous_publication(
    settings: Settings, warehouse: Warehouse
) -> None:
    first = page(settings, PUBLISHED)
    assert (empty(first, "changes"), "2026-03-30.2" in section(first, "changes")) == (1, False)
    with warehouse.transaction() as connection:
        for number, publication_id in enumerate(("2026-03-28.1", "2026-03-30.1", "2026-03-30.2", PUBLISHED)):
            lay_entry(connection, number, publication_id)
    cleaned_up = page(settings, PUBLISHED)
    assert (empty(cleaned_up, "changes"), "2026-03-30.2" in section(cleaned_up, "changes")) == (1, True)
    with warehouse.transaction() as connection:
        # Of u1's two films one was recommended before, at another rank, and one to another user only.
        for user_id, rank, item_id in (("u1", 1, "i9"), ("u2", 1, "i2")):
            row = {"user_id": user_id, "rank": rank, "item_id": item_id, "score": 0.5, "source": "personal"}
            where = {"publication_id": "2026-03-30.2", "data_date": date(2026, 3, 30), "domain": "films"}
            lay_row(connection, "recs.recommendations", where | row | {"reason_item_id": None})
    html = page(settings, PUBLISHED)
    assert churn_rows(html) == [["books", "2", "2", "1.0000"], ["films", "2", "1", "0.5000"]]
    assert "2026-03-30.2" in section(html, "changes")


def lay_entry(connection: Connection, number: int, publication_id: str) -> None:
    day = date.fromisoformat(publication_id.partition(".")[0])
    texts = ("model_uri", "mlflow_run_id", "content_hash", "code_version", "actor", "reason")
    entry = {"ledger_id": number, "publication_id": publication_id, "data_date": day, "action": "history"}
    entry |= {"as_of": "2026-04-01 00:00Z", "recorded_at": "2026-04-01 01:00Z", "recommendation_rows": 2}
    lay_row(connection, "recs.publications", entry | {"previous_publication_id": None} | dict.fromkeys(texts, "x"))


def test_the_difference_to_popularity_is_drawn_without_a_champion(settings: Settings) -> None:
    folder = RunFolder.of(settings.lake, PUBLISHED)
    folder.path.mkdir(parents=True)
    of_users = {
        model: {metric: np.array([value, 2 * value]) for metric in LIST_METRICS}
        for model, value in (("nightjar", 0.4), ("popularity", 0.2))
    }
    save(EvaluationResults(of_users, {}, None), folder.evaluation)
    html = page(settings, PUBLISHED)
    assert section(html, "gates").count("data:image/png;base64,") == 1
    assert html.count("data:image/png;base64,") == 3


def test_an_unknown_attempt_is_refused_and_nothing_is_written(settings: Settings) -> None:
    folder = RunFolder.of(settings.lake, "2026-03-30.1")
    with refused(BadInput, "unknown_publication", wording=False, publication_id="2026-03-30.1"):
        write_report(settings, folder)
    assert not folder.path.exists()
