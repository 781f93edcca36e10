"""A run on a CSV that has only user, item and time, with ids as odd as they come; then one that a gate refuses."""

import csv
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.import_counts import counts_of
from tests.support.refusals import refused_command

DATE = "2025-03-30"
FIRST_DAY = datetime(2025, 3, 1, tzinfo=UTC)
ONCE, GREEDY = "met one item", "met all but four"
USERS = ["Zoë 名無し 😀", '"quoted", with comma', "u" * 400, "[/red]", ONCE, GREEDY, *(f"user {n}" for n in range(54))]
ITEMS = ["'; drop table raw.items; --", "i" * 400, "北京 ☕", "[bold]", *(f"item {n}" for n in range(76))]
Event = tuple[str, str, datetime]


@dataclass(frozen=True)
class OddInputRuns:
    """The home after a run, and after a second one that was refused."""

    home: Any
    summary: str
    published: tuple[str, str]
    refused: Any


def events() -> list[Event]:
    """Some 3,000 events: even users take even items, odd users odd ones, one in ten at random."""
    random = np.random.default_rng(11)
    drawn = []
    for user, name in enumerate(USERS):
        if name == ONCE:
            chosen = np.array([7])
        elif name == GREEDY:
            chosen = np.arange(len(ITEMS) - 4)
        else:
            own = random.permutation(np.arange(user % 2, len(ITEMS), 2))[:18]
            others = random.permutation(len(ITEMS))[:3]
            # In any order: a user whose newest items are all at random has another taste by then.
            chosen = random.permutation(np.concatenate([random.choice(own, 46), others]))
        for place, item in enumerate(chosen):
            minutes = int((place + random.random()) / len(chosen) * 30 * 24 * 60)
            drawn.append((name, ITEMS[item], FIRST_DAY + timedelta(minutes=minutes)))
    # The run's own date has events, whatever was drawn.
    return [*drawn, (USERS[-1], ITEMS[7], datetime(2025, 3, 30, 12, tzinfo=UTC))]


def write_csv(path: Path, header: tuple[str, str, str], rows: list[tuple[str, str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, drawn = tmp_path_factory.mktemp("files"), events()
    return (
        write_csv(
            folder / "long names.csv",
            ("user_id", "item_id", "occurred_at"),
            [(user, item, at.isoformat()) for user, item, at in drawn[:1500]],
        ),
        write_csv(
            folder / "short names.csv",
            ("user", "item", "time"),
            [(user, item, int(at.timestamp())) for user, item, at in drawn[1500:]],
        ),
    )


def fill(home: Any, files: tuple[Path, Path]) -> None:
    for file in files:
        imported = home.nightjar("import", "files", "--interactions", str(file))
        assert imported.returncode == 0, imported.stdout
        assert counts_of(imported.stdout)["raw.interactions"][2] == 0


@pytest.fixture(scope="module")
def runs(new_home: Callable[[str], Any], files: tuple[Path, Path]) -> OddInputRuns:
    home = new_home("odd")
    fill(home, files)
    summary = home.run(DATE)
    published = home.current()
    return OddInputRuns(
        home, summary, published, home.nightjar("run", "--date", DATE, NIGHTJAR_GATE_POPULARITY_MARGIN="100")
    )


def test_everyone_gets_ten_items_or_all_that_are_left(runs: OddInputRuns) -> None:
    seen_items: dict[str, set[str]] = {}
    for user, item, _ in events():
        seen_items.setdefault(user, set()).add(item)
    lists = runs.home.rows(
        "select user_id, domain, count(*), count(distinct item_id) from recs.recommendations_current group by all"
    )
    left = {user: min(10, len(ITEMS) - len(items)) for user, items in seen_items.items()}
    assert {user: (domain, rows, items) for user, domain, rows, items in lists} == {
        user: ("default", count, count) for user, count in left.items()
    }
    assert set(left) == set(USERS)
    assert (left[GREEDY], left[ONCE]) == (4, 10)


def test_ids_are_published_unchanged(runs: OddInputRuns) -> None:
    assert {user for (user,) in runs.home.rows("select user_id from recs.user_embeddings")} == set(USERS)
    assert {item for (item,) in runs.home.rows("select item_id from recs.item_embeddings")} == set(ITEMS)
    for user in USERS[:4]:
        shown = runs.home.nightjar("recommend", user)
        assert shown.returncode == 0, shown.stderr
        # The first line gives how the user is known: neither by a segment nor not at all.
        assert " personal," in shown.stdout.splitlines()[0]
    similar = runs.home.nightjar("similar", ITEMS[0])
    assert similar.returncode == 0
    assert ITEMS[0] in similar.stdout


def test_tastes_are_learned_without_any_feature(runs: OddInputRuns) -> None:
    assert runs.home.value("select count(*) from raw.item_features") == 0
    even = dict.fromkeys(ITEMS[::2], 0)
    own = [
        (item in even) == (USERS.index(user) % 2 == 0)
        for user, item in runs.home.rows("select user_id, item_id from recs.recommendations_current where rank <= 3")
        if user not in (ONCE, GREEDY)
    ]
    assert len(own) == 58 * 3
    assert sum(own) / len(own) > 0.9


def test_a_refused_run_ends_with_its_own_exit_code_and_one_line(runs: OddInputRuns) -> None:
    reason = refused_command(runs.refused, 3, "gate_refused", "popularity", "recall@10", "100")
    assert runs.refused.stdout.splitlines()[-1].endswith(reason)
    assert "Traceback" not in runs.refused.stdout + runs.refused.stderr


def test_a_refused_run_leaves_the_current_publication(runs: OddInputRuns) -> None:
    home = runs.home
    assert home.current() == runs.published
    assert home.rows("select publication_id from recs.publications") == [(f"{DATE}.1",)]
    assert home.rows("select publication_id from recs.publication_attempts order by attempt") == [
        (f"{DATE}.1",),
        (f"{DATE}.2",),
    ]
    for table in ("recommendations", "item_embeddings", "model_metrics"):
        assert home.rows(f"select distinct publication_id from recs.{table}") == [(f"{DATE}.1",)]


def test_a_refused_run_keeps_its_gate_decisions(runs: OddInputRuns) -> None:
    verdicts = runs.home.rows(
        "select gate, verdict from recs.gate_decisions where publication_id = ? order by gate", [f"{DATE}.2"]
    )
    assert verdicts == [
        ("champion", "skipped"),
        ("champion_record", "skipped"),
        ("coverage", "skipped"),
        ("inputs", "passed"),
        ("popularity", "refused"),
    ]
    shown = runs.home.nightjar("status").stdout
    assert re.search(rf"│ {DATE}\.2 .*│ popularity: recall@10", shown)


def kill_when(
    is_reached: Callable[[], bool], is_victim: Callable[[psutil.Process], bool], is_over: threading.Event
) -> bool:
    """Kill the processes that are victims once a point is reached; False if the run ends before."""
    while not is_over.wait(0.02):
        victims = [each for each in psutil.process_iter() if is_victim(each)] if is_reached() else []
        for victim in victims:
            victim.kill()
        if victims:
            return True
    return False


def test_a_run_whose_dbt_and_spark_are_killed_publishes_the_same(
    runs: OddInputRuns, new_home: Callable[[str], Any], files: tuple[Path, Path]
) -> None:
    home = new_home("killed")
    fill(home, files)
    log = home.path / "dbt" / "duckdb" / "logs" / "dbt.log"

    def table_is_being_built() -> bool:
        return log.exists() and "START sql incremental model" in log.read_text(encoding="utf-8", errors="replace")

    def first_features_are_written() -> bool:
        return any((home.path / "lake").glob("runs/*/*/.features.aside/*/part-*"))

    def is_build(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            is_build = "build" in " ".join(process.cmdline()).split()
            return is_build and process.environ().get("NIGHTJAR_HOME") == str(home.path)
        return False

    def is_driver(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            # The session of the run is the parent of its JVM.
            commands = [*process.cmdline(), *(parent.cmdline() if (parent := process.parent()) else [])]
            return process.name() == "java" and str(home.path) in " ".join(commands)
        return False

    is_over = threading.Event()
    with ThreadPoolExecutor(1) as other:
        kills = other.submit(
            lambda: [
                kill_when(table_is_being_built, is_build, is_over),
                kill_when(first_features_are_written, is_driver, is_over),
            ]
        )
        try:
            output = home.run(DATE)
        finally:
            is_over.set()
    assert kills.result() == [True, True]
    # Airflow's own retries are the second runs.
    assert "dbt_inputs: will be retried" in output
    assert "build_features: will be retried" in output
    hashes = "select publication_id, content_hash from recs.publications"
    assert home.rows(hashes) == runs.home.rows(hashes)
    assert home.current() == runs.published
