"""Wrong input is answered by the real command with one line and its exit code, and changes nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nightjar.contract.tables import ALL_TABLES
from tests.support.checked_rows import columns_of, rejected_for
from tests.support.import_counts import counts_of
from tests.support.refusals import refused_command

EVENTS = "user_id,item_id,occurred_at\nu1,i1,2026-03-30T10:00:00Z\nu2,i2,2026-03-31T10:00:00Z\n"


@pytest.fixture(scope="module")
def home(new_home: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A home with two events and no run."""
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


def refused(done: Any, code: str, *names: str) -> None:
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1, done.stdout
    refused_command(done, 2, code, *names)


@pytest.mark.parametrize(
    ("name", "content", "code", "names"),
    [
        ("empty.csv", "", "empty_file", []),
        ("header only.csv", "user_id,item_id,occurred_at\n", "no_rows", []),
        ("wrong.csv", "who,what\nu1,i1\n", "missing_columns", ["user_id", "item_id", "occurred_at", "who", "what"]),
        (
            "no good row.csv",
            "user_id,item_id,occurred_at\nu1,i1,soon\n",
            "no_usable_rows",
            ["2", "occurred_at", "soon"],
        ),
        ("missing.csv", None, "no_such_file", []),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_file_that_cannot_be_used_is_refused_whole(
    home: Any, tmp_path: Path, name: str, content: str | None, code: str, names: list[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    refused(home.nightjar("import", "files", "--interactions", str(tmp_path / name)), code, name, *names)


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        (["run", "--date", "2026-03-29"], "no_events", ["2026-03-30"]),
        (["run", "--date", "2026-04-01"], "too_few_events", ["2026-04-01", "2026-03-31"]),
        (["run", "--date", "1998-13-01"], "not_a_date", ["1998-13-01"]),
        (["run", "--date", "9999-12-31"], "not_a_date", ["9999-12-31"]),
        (["run", "--date", "2026-03-31", "--publish", "maybe"], "unknown_setting_value", ["publish", "maybe", "auto"]),
        (
            ["run", "--date", "2026-03-31", "--ingested-before", "soon"],
            "not_a_timestamp",
            ["--ingested-before", "soon"],
        ),
        (["run", "--date", "2026-03-31", "--ingested-before", "2026-04-01"], "no_time_zone", ["2026-04-01"]),
        (
            ["run", "--date", "2026-03-31", "--ingested-before", "2026-01-01T00:00:00Z"],
            "no_events",
            ["2026-04-01", "2026-01-01"],
        ),
        (["backfill", "--from", "2026-03-31", "--to", "2026-03-30"], "reversed_dates", ["2026-03-31", "2026-03-30"]),
        (["rollback", "--to", "2026-03-31.1", "--reason", "r"], "unknown_publication", ["2026-03-31.1"]),
        (["rollback", "--to", "2026-03-31.1", "--reason", " "], "empty_value", ["--reason"]),
        (["recommend", "u1"], "nothing_published", ["nightjar run --date YYYY-MM-DD"]),
        (["similar", "i1"], "nothing_published", []),
        (["import", "movielens", "nowhere"], "no_such_folder", ["nowhere"]),
        (["import", "demo-shop", "--users", "1"], "option_out_of_range", ["--users", "1"]),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_wrong_argument_is_refused_before_anything_starts(
    home: Any, arguments: list[str], code: str, names: list[str]
) -> None:
    refused(home.nightjar(*arguments), code, *names)


@pytest.mark.usefixtures("unchanged")
def test_a_wrong_setting_is_named(home: Any) -> None:
    done = home.nightjar("run", "--date", "2026-03-31", NIGHTJAR_TOP_K="0")
    refused(done, "unknown_setting_value", "NIGHTJAR_TOP_K", "0", "1")


@pytest.mark.parametrize(
    "arguments",
    [["run", "--date", "2026-03-31"], ["status"], ["recommend", "u1"], ["rollback", "--to", "a", "--reason", "b"]],
)
def test_commands_without_a_warehouse_are_refused(home: Any, tmp_path: Path, arguments: list[str]) -> None:
    empty = type(home)(tmp_path / "empty")
    refused(empty.nightjar(*arguments), "no_warehouse", "empty/warehouse.duckdb", "nightjar import")
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
    refused_command(done, 2, "nothing_published")


def test_status_of_a_home_without_a_run_shows_the_next_command(home: Any) -> None:
    done = home.nightjar("status")
    assert done.returncode == 0
    assert "nightjar run --date YYYY-MM-DD" in done.stdout.splitlines()[0]


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
    assert counts_of(done.stdout) == {"raw.interactions": (2, 0, 2), "raw.item_features": (1, 0, 1)}
    # No value is no reason to lose the event.
    assert home.rows("select value from raw.interactions where item_id = 'i1' and value is not null") == []
    rejected = home.rows("select file, line, reason from raw.rejected_rows order by file, line")
    assert [(file, line, columns_of(reason)) for file, line, reason in rejected] == [
        ("features.csv", 2, rejected_for("weight")),
        ("odd.csv", 3, rejected_for("occurred_at")),
        ("odd.csv", 5, rejected_for("user_id")),
    ]
