"""`nightjar tune` and `nightjar recipes` as a user types them; the search itself is a stand-in."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from nightjar.cli import tune_commands
from nightjar.cli.main import application
from nightjar.contract.errors import BadInput
from nightjar.contract.tuned_configuration import UNTUNED, TunedConfiguration
from nightjar.publishing.tuned_configurations import SearchResult, add_search_result
from tests.support.golden import check_wording
from tests.support.refusals import refused

CALLS: list[tuple[Any, ...]] = []


def stage(name: str) -> Any:
    """The two stages, which only remember how they were called."""
    if name == "nightjar.stages.begin_tuning":
        return SimpleNamespace(run=lambda settings, day: SimpleNamespace(name=day or "2026-03-31.1"))
    return SimpleNamespace(run=lambda settings, folder, *budget: CALLS.append((folder.name, *budget)) or "passed")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path))
    monkeypatch.setattr(tune_commands, "import_module", stage)
    CALLS.clear()
    return tmp_path


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(application(), arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_search_has_its_minutes_from_the_command_or_from_the_setting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed("tune", "--date", "2026-03-30", "--minutes", "7", "--trials", "3") == "passed\n"
    monkeypatch.setenv("NIGHTJAR_TUNING_MINUTES", "45")
    printed("tune")
    assert CALLS == [("2026-03-30", 7, 3), ("2026-03-31.1", 45, None)]


def test_the_tasks_of_the_dag_pass_the_searchs_name_on(home: Path) -> None:
    name = printed("stage", "begin-tuning", "--date=").strip()
    (home / "lake" / "tuning" / name / "work" / "night").mkdir(parents=True)
    assert printed("stage", "tune-model", f"--tuning={name}", "--minutes=5") == "passed\n"
    assert [(name, 5, None)] == CALLS
    with refused(BadInput, "unknown_tuning", tuning="2026-03-31.2"):
        printed("stage", "tune-model", "--tuning=2026-03-31.2")


def test_recipes_shows_the_results_and_what_a_run_trains_with(home: Path) -> None:
    nothing = printed("recipes")
    assert nothing.endswith(f" {UNTUNED.label}\n")
    check_wording(nothing)
    for name, verdict, reason in (
        ("2026-03-01.1", "passed", "recall@10 0.25"),
        ("2026-03-02.1", "refused", "recall@10 0.23"),
    ):
        configuration = TunedConfiguration(name, {"epochs": 12, "learning_rate": 0.0213})
        day = date.fromisoformat(name.partition(".")[0])
        add_search_result(home / "lake", SearchResult(configuration, day, UNTUNED.label, verdict, reason))
    output = printed("recipes")
    for expected in ("2026-03-01.1", "refused", "learning_rate 0.0213", "recall@10 0.25"):
        assert expected in output
    assert output.endswith(" 2026-03-01.1\n")
    check_wording(output)
    assert printed("recipes", "--date", "2026-03-01").endswith(f" {UNTUNED.label}\n")
