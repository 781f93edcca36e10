import re
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from nightjar.cli.console_tables import plain_console, print_query
from nightjar.cli.run_summary import print_summary
from nightjar.cli.single_run import CompletedRun
from nightjar.contract.settings import Settings
from nightjar.contract.tables import table as contract
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row, run_script

AT = datetime(2026, 4, 1, tzinfo=UTC)
ROWS = {
    "recs.publications": [
        (
            *(1, "2026-03-31.1", date(2026, 3, 31), AT, "history", "2026-04-01.1", "models:/nightjar/1", "r", "abc"),
            *(1234, "v", "run", "why", AT),
        )
    ],
    "recs.current_publication": [("2026-04-01.1", date(2026, 4, 1), 1, AT)],
    "recs.model_metrics": [
        ("2026-03-31.1", date(2026, 3, 31), model, where, metric, k, value, 7)
        for model, where, metric, k, value in (
            ("nightjar", "all", "recall", 10, 0.25),
            ("popularity", "all", "recall", 10, 0.125),
            ("nightjar", "all", "auc", 0, 0.7512),
            ("nightjar", "cold_user", "recall", 10, None),
            ("nightjar", "warm", "map", 10, 0.1),
        )
    ]
    # A source of the model alone is none of the compared models.
    + [("2026-03-31.1", date(2026, 3, 31), "content", where, "recall", 10, 0.5, 8) for where in ("all", "cold_item")],
    "recs.gate_decisions": [
        ("2026-03-31.1", date(2026, 3, 31), "champion", "skipped", "none", None, None, None, None, None, AT)
    ],
    "recs.recommendations": [
        ("2026-03-31.1", date(2026, 3, 31), "u1", "films", 1, "i1", 0.5, "personal", '{"lightfm":0.5}', "i2"),
        ("2026-03-31.1", date(2026, 3, 31), "u1", "films", 4, "i4", 0.1, "personal", None, None),
    ],
}


@pytest.fixture
def completed(settings: Settings, warehouse: Warehouse, tmp_path: Path) -> CompletedRun:
    """A run with one row of each kind, and two items with titles, one of them a former one."""
    with warehouse.transaction() as connection:
        for table, rows in ROWS.items():
            for row in rows:
                lay_row(connection, table, dict(zip(contract(table).column_names, row, strict=True)))
        run_script(
            connection,
            "create table core.dim_items (item_id text, title text, valid_to timestamptz);\n"
            "insert into core.dim_items values ('i1', '[REC] :cat:', null), ('i1', 'Old', now()), ('i2', 'Why', null)",
        )
    return CompletedRun("2026-03-31.1", tmp_path / "run.log", 65.4)


def cells(output: str) -> list[list[str]]:
    """The rows of all tables in the output, cell by cell."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in output.splitlines() if line[:1] == "│"]


def test_the_summary_shows_outcome_metrics_and_recommendations(
    settings: Settings, warehouse: Warehouse, completed: CompletedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(settings, completed)
    output = capsys.readouterr().out
    assert cells(output) == [
        ["all", "auc", "0.751", "", "7"],
        ["all", "recall@10", "0.250", "0.125", "7"],
        ["champion", "skipped", "none"],
        ["u1", "films", "1", "[REC] :cat:", "personal", "Why"],
    ]
    outcome, current, content_hash, tables, log, commands = output.splitlines()[-6:]
    assert re.findall(r"2026-03-31.1|history|1,234|65 s|why", outcome) == [
        *("2026-03-31.1", "history", "1,234", "65 s", "why")
    ]
    assert current.endswith(" 2026-04-01.1")
    assert content_hash.endswith(" abc")
    assert tables.endswith(f" {warehouse.address}")
    assert log.endswith(f" {completed.log}")
    assert re.findall(r"nightjar (\w+)", commands) == ["status", "report", "recommend", "similar"]


def test_a_query_without_rows_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with duckdb.connect() as connection:
        assert print_query(plain_console(80), connection, "Nothing", "select 1 as one where false") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["[/red]", "[bold]x", ":smile:", "a\\[b]"])
def test_ids_and_titles_are_no_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    console: Console = plain_console(80)
    with duckdb.connect() as connection:
        assert print_query(console, connection, f"Of {text}", "select ? as id", [text]) == 1
    output = capsys.readouterr().out
    assert output.splitlines()[0].rstrip() == f"Of {text}"
    assert cells(output) == [[text]]
