"""`nightjar recommend USER`, with and without `--explain`, of a user whose published rows are the newest."""

from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from nightjar.cli.main import application
from nightjar.contract.settings import Settings
from nightjar.publishing.ledger import add_entry, point_to
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row, run_script
from tests.support.warehouse_homes import variables_of

IDS = {"publication_id": "2026-03-01.1", "data_date": date(2026, 3, 1)}
LEDGER = {"action": "published", "previous_publication_id": None, "recommendation_rows": 3}
LEDGER |= dict.fromkeys(("model_uri", "mlflow_run_id", "content_hash", "code_version", "actor", "reason"), "x")
ROWS = [
    ("a", 1.25, "personal", '{"lightfm":0.75,"ease":0.5}', "d"),
    ("b", 0.5, "personal", '{"lightfm":0.75,"trending":-0.25}', None),
    ("c", 9.0, "popular", None, None),
]
HEADINGS = ["domain", "rank", "item_id", "title", "score", "source"]


@pytest.fixture(autouse=True)
def _published(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        run_script(
            connection,
            "create table core.dim_items (item_id text, title text, valid_to timestamptz);\n"
            "insert into core.dim_items values ('a', '[REC]', null), ('d', 'Why', null)",
        )
        for rank, (item_id, score, source, contributions, reason) in enumerate(ROWS, 1):
            row = {"user_id": "u1", "domain": "films", "rank": rank, "item_id": item_id, "score": score}
            row |= {"source": source, "contributions": contributions, "reason_item_id": reason}
            lay_row(connection, "recs.recommendations", IDS | row)
        entry = add_entry(connection, **IDS, as_of=datetime(2026, 3, 2, tzinfo=UTC), **LEDGER)
        point_to(connection, *IDS.values(), entry)


def recommend(settings: Settings, *options: str) -> list[list[str]]:
    """The headings and rows that the command prints, cell by cell."""
    result = CliRunner(env=variables_of(settings)).invoke(application(), ["recommend", "u1", *options])
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if line[:1] in "┃│" and line]
    return [[cell.strip() for cell in line.strip("┃│").replace("┃", "│").split("│")] for line in lines]


def test_each_row_shows_what_every_source_adds(settings: Settings, warehouse: Warehouse) -> None:
    assert recommend(settings, "--explain") == [
        [*HEADINGS, "lightfm", "ease", "trending", "because_of"],
        ["films", "1", "a", "[REC]", "1.250", "personal", "0.750", "0.500", "0.000", "Why"],
        ["films", "2", "b", "", "0.500", "personal", "0.750", "0.000", "-0.250", ""],
        ["films", "3", "c", "", "9.000", "popular", "", "", "", ""],
    ]


def test_without_the_option_the_sources_are_not_shown(settings: Settings, warehouse: Warehouse) -> None:
    headings, first, *_ = recommend(settings)
    assert headings == [*HEADINGS, "because_of"]
    assert first == ["films", "1", "a", "[REC]", "1.250", "personal", "Why"]


def test_a_warehouse_of_an_earlier_version_has_no_contributions_to_show(
    settings: Settings, warehouse: Warehouse
) -> None:
    with warehouse.transaction() as connection:
        connection.execute("alter table recs.recommendations drop column contributions")
    assert recommend(settings, "--explain") == recommend(settings)
    assert len(recommend(settings)) == 4
