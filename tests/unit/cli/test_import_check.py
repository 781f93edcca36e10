import os
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nightjar.cli.import_commands import app
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.importers.columns import IMPORTABLE
from nightjar.importers.files.file_check import FileCheck, check_file
from nightjar.importers.read_options import ReadOptions
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.checked_rows import columns_of, rejected_for
from tests.support.golden import check_wording
from tests.support.refusals import refused
from tests.support.warehouse_homes import variables_of

Query = Callable[[str], list[tuple[Any, ...]]]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENTS = "select user_id, item_id, event_type, value from raw.interactions order by user_id, item_id"


@pytest.fixture
def local_warehouse(settings: Settings) -> Warehouse:
    """A check reads no warehouse: one engine shows what its command then does."""
    opened = open_warehouse(settings)
    opened.create_tables()
    return opened


@pytest.fixture
def runner(settings: Settings) -> CliRunner:
    return CliRunner(env=variables_of(settings))


def checked(runner: CliRunner, *arguments: str) -> list[str]:
    return runner.invoke(app, ["check", *arguments], catch_exceptions=False).output.splitlines()


def found_of(file: Path, table: str = "interactions") -> FileCheck:
    """What the command prints, as an object."""
    return check_file(file, IMPORTABLE[table], ReadOptions(), {}, NOON + timedelta(days=31), max_gb=1)


def command_of(output: list[str]) -> list[str]:
    words = shlex.split(output[-1])
    assert words[:3] == ["nightjar", "import", "files"]
    return words[2:]


LAYOUTS = {
    "events.csv": (
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,7,view,8,\n1433224214164,9,transaction,8,1\n",
        [("7", "8", "view", None), ("9", "8", "transaction", None)],
    ),
    "it's here.csv": (
        "event_time,event_type,product_id,price,user_id\n2019-10-01 00:00:00 UTC,cart,8,35.79,7\n",
        [("7", "8", "cart", 35.79)],
    ),
    "clicks.dat": ("7,2014-04-07T10:51:09.277Z,8,0\n9,2014-04-07T10:51:09.278Z,8,0\n", None),
    "ratings.csv": (
        "7,8,5.0,1252800000\n9,8,1.0,1252800001\n",
        [("7", "8", "interaction", 5.0), ("9", "8", "interaction", 1.0)],
    ),
    "ratings.dat": (
        "7::8::5::978300760\n9::8::3::978302109\n",
        [("7", "8", "rating", 5.0), ("9", "8", "rating", 3.0)],
    ),
    "ratings.txt": (
        '"User-ID";"ISBN";"Book-Rating";"Date"\n"7";"8";"0";"2004-08-01"\n',
        [("7", "8", "interaction", 0.0)],
    ),
    "reviews.json": (
        '{"reviewerID": "7", "asin": "8", "overall": 5.0, "helpful": [0, 3], "unixReviewTime": 1252800000}\n',
        [("7", "8", "rating", 5.0)],
    ),
    "orders.json": (
        '[{"customer": {"id": 7}, "created_at": "2026-03-01", "lines": [{"sku": 8}, {"sku": 9}]}]',
        [("7", "8", "interaction", None), ("7", "9", "interaction", None)],
    ),
}


@pytest.mark.parametrize("file", LAYOUTS)
def test_the_printed_command_imports_the_file_and_the_check_writes_nothing(
    runner: CliRunner, local_warehouse: Warehouse, tmp_path: Path, file: str
) -> None:
    text, rows = LAYOUTS[file]
    (tmp_path / file).write_text(text)
    output = checked(runner, str(tmp_path / file))
    with local_warehouse.connect() as connection:
        assert connection.execute("select count(*) from raw.interactions").fetchall() == [(0,)]
    assert list(tmp_path.glob(file)) == [tmp_path / file]
    assert runner.invoke(app, command_of(output), catch_exceptions=False).exit_code == 0
    with local_warehouse.connect() as connection:
        found = connection.execute(EVENTS).fetchall()
    assert len(found) == 2 if rows is None else found == rows


def test_a_file_without_names_and_times_is_read_and_what_is_unsure_is_named(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "plays.tsv").write_text("7\t8\t12\n9\t8\t3\n")
    # The file's own day is proposed where it says no times.
    os.utime(tmp_path / "plays.tsv", (NOON.timestamp(), NOON.timestamp()))
    found = found_of(tmp_path / "plays.tsv")
    assert (found.options.header, dict(found.constants)) == (False, {"occurred_at": "2026-03-01"})
    assert len(found.unsure) == 2
    output = checked(runner, str(tmp_path / "plays.tsv"))
    assert "occurred_at=2026-03-01" in command_of(output)
    check_wording("\n".join(output))


def test_the_encoding_is_guessed_and_named_as_a_guess(
    runner: CliRunner, local_warehouse: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_bytes("item_id;title\n1;café\n".encode("latin-1"))
    output = checked(runner, str(tmp_path / "items.csv"), "--table", "items")
    words = command_of(output)
    assert words[words.index("--encoding") + 1] == "latin-1"
    assert ["latin-1" in each for each in found_of(tmp_path / "items.csv", "items").unsure] == [True]
    assert runner.invoke(app, words, catch_exceptions=False).exit_code == 0
    with local_warehouse.connect() as connection:
        assert connection.execute("select title from raw.items").fetchall() == [("café",)]


def test_rejected_rows_and_event_types_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"u{n},i,2026-03-01,{'view' if n % 4 else 'buy'}\n" for n in range(8))
    (tmp_path / "events.csv").write_text(f"user,item,time,event\n{rows},i,2026-03-01,view\n")
    found = found_of(tmp_path / "events.csv")
    assert found.event_types == {"view": 6, "buy": 2}
    assert (found.checked_rows, found.usable_rows) == (9, 8)
    assert [(columns_of(reason), rows) for reason, rows in found.rejected.items()] == [(rejected_for("user_id"), 1)]


def test_what_was_found_out_is_printed_for_people(runner: CliRunner, tmp_path: Path) -> None:
    rows = "".join(f"u{n},i,2026-03-01 10:00,{'view' if n % 4 else 'buy'},x\n" for n in range(8))
    (tmp_path / "events.csv").write_text(f"user,item,time,event,colour\n{rows},i,2026-03-01 11:00,view,x\n")
    check_wording("\n".join(checked(runner, str(tmp_path / "events.csv"))))


def test_what_was_typed_is_kept(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("session,user,product_id,time\ns,u,p,2026-03-01\n")
    words = command_of(checked(runner, str(tmp_path / "e.csv"), "--columns", "user_id=session"))
    pairs = set(words[words.index("--columns") + 1].split(","))
    assert {"user_id=session", "item_id=product_id"} <= pairs


@pytest.mark.parametrize(
    ("text", "code", "fields"),
    [
        ("a,b,c\nred,green,blue\n", "missing_columns", {"columns": ["user_id", "item_id", "occurred_at"]}),
        ("user,item,time\nu,i,never\n", "no_usable_rows", {}),
        ("user,item,time\n", "no_rows", {}),
    ],
)
def test_a_file_that_nothing_reads_is_refused_with_the_reason(
    runner: CliRunner, tmp_path: Path, text: str, code: str, fields: dict[str, Any]
) -> None:
    (tmp_path / "e.csv").write_text(text)
    with refused(BadInput, code, file=tmp_path / "e.csv", **fields):
        runner.invoke(app, ["check", str(tmp_path / "e.csv")], catch_exceptions=False)


def test_a_large_file_is_judged_by_its_beginning(tmp_path: Path) -> None:
    rows = "".join(f"user-{n:07d},item-{n % 100:05d},2026-03-01T00:00:00Z\n" for n in range(150_000))
    (tmp_path / "e.csv").write_text(f"user,item,time\n{rows}")
    found = found_of(tmp_path / "e.csv")
    assert found.checked_rows < 150_000
    assert 149_000 <= (found.estimated_rows or 0) <= 151_000


def test_times_that_need_a_format_are_not_left_out_for_a_made_up_date(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user_id,item_id,occurred_at\nu,i,43739\nv,i,43739.5\n")
    assert command_of(checked(runner, str(tmp_path / "e.csv")))[-2:] == ["--time-format", "excel"]


def test_a_public_data_set_is_imported_by_its_layout_and_layouts_are_listed(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(LAYOUTS["events.csv"][0])
    assert command_of(checked(runner, str(tmp_path / "events.csv")))[-2:] == ["--layout", "retailrocket"]
    assert "retailrocket" in runner.invoke(app, ["layouts"], catch_exceptions=False).output.splitlines()
