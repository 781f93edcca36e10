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
from nightjar.contract.tuned_configuration import PLAIN, Recipe
from nightjar.publishing.tuned_configurations import Entry, add_entry
from tests.support.golden import check_wording
from tests.support.refusals import refused

ASKED: list[tuple[Any, ...]] = []


def stage(name: str) -> Any:
    """The two stages, which only remember what they were asked for."""
    if name == "nightjar.stages.begin_tuning":
        return SimpleNamespace(run=lambda settings, day: SimpleNamespace(name=day or "2026-03-31.1"))
    return SimpleNamespace(run=lambda settings, folder, *budget: ASKED.append((folder.name, *budget)) or "passed")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path))
    monkeypatch.setattr(tune_commands, "import_module", stage)
    ASKED.clear()
    return tmp_path


def said(*arguments: str) -> str:
    done = CliRunner().invoke(application(), arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_search_takes_its_time_from_the_command_or_from_the_setting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said("tune", "--date", "2026-03-30", "--minutes", "7", "--trials", "3") == "passed\n"
    monkeypatch.setenv("NIGHTJAR_TUNING_MINUTES", "45")
    said("tune")
    assert ASKED == [("2026-03-30", 7, 3), ("2026-03-31.1", 45, None)]


def test_the_tasks_of_the_dag_hand_the_searchs_name_on(home: Path) -> None:
    name = said("stage", "begin-tuning", "--date=").strip()
    (home / "lake" / "tuning" / name / "work" / "night").mkdir(parents=True)
    assert said("stage", "tune-model", f"--tuning={name}", "--minutes=5") == "passed\n"
    assert [(name, 5, None)] == ASKED
    with refused(BadInput, "unknown_tuning", tuning="2026-03-31.2"):
        said("stage", "tune-model", "--tuning=2026-03-31.2")


def test_recipes_shows_what_was_found_and_what_a_night_takes(home: Path) -> None:
    nothing = said("recipes")
    assert nothing.endswith(f" {PLAIN.says()}\n")
    check_wording(nothing)
    for name, verdict, reason in (
        ("2026-03-01.1", "passed", "recall@10 0.25"),
        ("2026-03-02.1", "refused", "recall@10 0.23"),
    ):
        recipe = Recipe(name, {"epochs": 12, "learning_rate": 0.0213})
        day = date.fromisoformat(name.partition(".")[0])
        add_entry(home / "lake", Entry(recipe, day, PLAIN.says(), verdict, reason))
    output = said("recipes")
    for expected in ("2026-03-01.1", "refused", "learning_rate 0.0213", "recall@10 0.25"):
        assert expected in output
    assert output.endswith(" 2026-03-01.1\n")
    check_wording(output)
    assert said("recipes", "--date", "2026-03-01").endswith(f" {PLAIN.says()}\n")
