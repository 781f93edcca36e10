"""Wrong input is answered by the real command with one line and its exit code, and changes nothing."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from warehouse.tables import ALL_TABLES

EVENTS = "user_id,item_id,occurred_at\nu1,i1,2026-03-30T10:00:00Z\nu2,i2,2026-03-31T10:00:00Z\n"


@pytest.fixture(scope="module")
def home(new_home: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A home with two events and no night."""
    home = new_home("bad input")
    file = tmp_path_factory.mktemp("good") / "events.csv"
    file.write_text(EVENTS)
    imported = home.nightjar("import", "files", "--interactions", str(file))
    assert imported.returncode == 0, imported.stdout
    return home


@pytest.fixture
def unchanged(home: Any) -> Iterator[None]:
    """Whatever the test does leaves every table, and the folders of the home, as they were, but for why it failed."""

    def state() -> tuple[list[int], list[str]]:
        tables = [table.full_name for table in ALL_TABLES if table.name != "run_failures"]
        counts = [home.value(f"select count(*) from {table}") for table in tables]
        kept = {"failures", "published.duckdb", ".published.duckdb.lock"}
        return counts, sorted(str(path) for path in home.path.rglob("*") if path.name not in kept)

    before = state()
    yield
    assert state() == before


def refused(done: Any, complaint: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1, done.stdout
    assert re.match(rf"\[nightjar\] error \(2\): .*{complaint}", done.stdout), done.stdout


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.csv", "", "empty.csv .*"),
        ("header only.csv", "user_id,item_id,occurred_at\n", "header only.csv holds no rows"),
        (
            "wrong.csv",
            "who,what\nu1,i1\n",
            "wrong.csv lacks columns user_id, item_id, occurred_at .*unknown .*who, what",
        ),
        (
            "no good row.csv",
            "user_id,item_id,occurred_at\nu1,i1,soon\n",
            "no usable row; line 2: occurred_at 'soon' is no",
        ),
        ("missing.csv", None, "missing.csv"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_file_that_cannot_be_used_is_refused_whole(
    home: Any, tmp_path: Path, name: str, content: str | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    refused(home.nightjar("import", "files", "--interactions", str(tmp_path / name)), complaint)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "--date", "2026-03-29"], "no interaction before 2026-03-30 .*nothing to train on"),
        (["run", "--date", "2026-04-01"], "0 interactions on 2026-04-01, .*newest earlier one is of 2026-03-31"),
        (["run", "--date", "1998-13-01"], "'1998-13-01' is no date: expected YYYY-MM-DD"),
        (["run", "--date", "9999-12-31"], "'9999-12-31' is no date"),
        (["run", "--date", "2026-03-31", "--publish", "maybe"], "publish='maybe' is unknown: expected one of auto"),
        (["run", "--date", "2026-03-31", "--ingested-before", "soon"], "--ingested-before 'soon' is no ISO 8601"),
        (["run", "--date", "2026-03-31", "--ingested-before", "2026-04-01"], "'2026-04-01' has no time zone"),
        (
            ["run", "--date", "2026-03-31", "--ingested-before", "2026-01-01T00:00:00Z"],
            "no interaction before 2026-04-01 .* that had arrived by 2026-01-01",
        ),
        (["backfill", "--from", "2026-03-31", "--to", "2026-03-30"], "--from 2026-03-31 lies after --to 2026-03-30"),
        (["rollback", "--to", "2026-03-31.1", "--reason", "r"], "'2026-03-31.1' is not in recs.publications"),
        (["rollback", "--to", "2026-03-31.1", "--reason", " "], "--reason is empty"),
        (["recommend", "u1"], "nothing is published yet: nightjar run --date YYYY-MM-DD"),
        (["similar", "i1"], "nothing is published yet"),
        (["import", "movielens", "nowhere"], "nowhere is no folder"),
        (["import", "demo-shop", "--users", "1"], "--users 1 is too small"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_wrong_argument_is_refused_before_anything_starts(home: Any, arguments: list[str], complaint: str) -> None:
    refused(home.nightjar(*arguments), complaint)


@pytest.mark.usefixtures("unchanged")
def test_a_wrong_setting_is_named(home: Any) -> None:
    refused(
        home.nightjar("run", "--date", "2026-03-31", NIGHTJAR_TOP_K="0"),
        "NIGHTJAR_TOP_K='0': .* greater than or equal to 1",
    )


@pytest.mark.parametrize(
    "arguments",
    [["run", "--date", "2026-03-31"], ["status"], ["recommend", "u1"], ["rollback", "--to", "a", "--reason", "b"]],
)
def test_without_an_import_there_is_nothing_to_do(home: Any, tmp_path: Path, arguments: list[str]) -> None:
    empty = type(home)(tmp_path / "empty")
    refused(empty.nightjar(*arguments), "empty/warehouse.duckdb does not exist: import data first")
    assert not empty.path.exists()


@pytest.mark.parametrize("arguments", [["publish"], ["run"], ["run", "--day", "2026-03-31"], ["stage", "dream"]])
def test_an_unknown_command_or_option_is_bad_usage(home: Any, arguments: list[str]) -> None:
    done = home.nightjar(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_only_debug_shows_where_an_error_was_raised(home: Any) -> None:
    done = home.nightjar("--debug", "recommend", "u1")
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("[nightjar] error (2): nothing is published yet")


def test_status_of_a_home_without_a_night_says_what_to_do(home: Any) -> None:
    done = home.nightjar("status")
    assert done.returncode == 0
    assert done.stdout.startswith("nothing is published yet: nightjar run --date YYYY-MM-DD\n")


def test_rows_that_break_the_contract_are_kept_with_line_and_reason(home: Any, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text(
        "user_id,item_id,value,occurred_at\n"
        "u1,i1,NaN,2026-03-30T11:00:00Z\n"
        "u1,i2,4,2999-01-01T00:00:00Z\n"
        "u1,i3,5,2026-03-30T12:00:00Z\n"
        f"{'u' * 513},i3,5,2026-03-30T12:00:00Z\n"
    )
    (tmp_path / "features.csv").write_text("item_id,feature,weight\ni1,genre:Drama,1e300\ni1,genre:Crime,1\n")
    arguments = ["--interactions", str(tmp_path / "odd.csv"), "--item-features", str(tmp_path / "features.csv")]
    done = home.nightjar("import", "files", *arguments)
    assert done.returncode == 0
    counted = [line for line in done.stdout.splitlines() if line.startswith("raw.")]
    assert counted == [
        "raw.interactions: 2 added, 0 already there, 2 rejected (see raw.rejected_rows)",
        "raw.item_features: 1 added, 0 already there, 1 rejected (see raw.rejected_rows)",
    ]
    # No value is no reason to lose the event.
    assert home.rows("select value from raw.interactions where item_id = 'i1' and value is not null") == []
    assert home.rows("select file, line, reason from raw.rejected_rows order by file, line") == [
        ("features.csv", 2, "weight '1e300' lies outside 0 to 1000"),
        ("odd.csv", 3, "occurred_at '2999-01-01T00:00:00Z' lies in the future"),
        ("odd.csv", 5, "user_id has 513 characters, more than 512"),
    ]
