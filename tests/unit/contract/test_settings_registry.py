"""A setting is declared once, in its group: every list and table of settings is derived from there."""

from pathlib import Path

import pytest

from ml.evaluation.recorded_configuration import differences, with_recorded_model
from nightjar.cli.settings_command import settings_table
from nightjar.cli.settings_reference import settings_reference
from nightjar.contract.environment import child_environment
from nightjar.contract.settings import Settings, run_parameters
from nightjar.contract.settings.field import PositiveInt, SettingsGroup, connection, setting
from nightjar.contract.settings.ranges import Between
from nightjar.contract.settings.registry import (
    administrative_settings,
    job_settings,
    recorded_settings,
    registered,
    tunable_settings,
    values_before_recording,
)


class ToySettings(SettingsGroup):
    """Toys."""

    toy_count: PositiveInt = setting(
        3,
        recorded="model",
        before_recording="2",
        tunable=Between(1, 9),
        basic=True,
        jobs=("score_users",),
        description="Toys per user.",
    )
    toy_colour: str = setting("red", recorded=None, description="Colour of the toys.")
    toy_port: int = connection(7, administrative=True, description="Port of the toys.")


class SettingsWithToys(Settings, ToySettings):
    """The settings, and those of toys."""


ROW = "| `NIGHTJAR_TOY_COUNT` | `3` | Toys per user. |"


def test_a_declared_setting_is_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_TOY_COUNT", "5")
    assert SettingsWithToys().toy_count == 5
    monkeypatch.setenv("NIGHTJAR_TOY_COUNT", "0")
    with pytest.raises(ValueError, match="toy_count"):
        SettingsWithToys()


def test_a_declared_setting_is_in_the_tables() -> None:
    assert settings_table(SettingsWithToys).splitlines()[-3] == ROW
    assert settings_table(SettingsWithToys, basic=True).splitlines()[-1] == ROW
    page = settings_reference(SettingsWithToys)
    assert page.endswith(
        "## Toys\n\n"
        "| variable | default | values | what it does | recorded | tuned over |\n|---|---|---|---|---|---|\n"
        "| **`NIGHTJAR_TOY_COUNT`** | `3` | integer ≥ 1 | Toys per user. | model | 1 to 9 |\n"
        "| `NIGHTJAR_TOY_COLOUR` | `red` | text | Colour of the toys. |  |  |\n"
        "| `NIGHTJAR_TOY_PORT` | `7` | integer | Port of the toys. |  |  |\n"
    )


def test_a_declared_setting_is_in_the_recorded_configuration() -> None:
    assert recorded_settings("model", SettingsWithToys)[-1] == "toy_count"
    settings = SettingsWithToys(toy_count=4)
    recorded = {name: str(value) for name, value in run_parameters(settings).items()}
    assert recorded["toy_count"] == "4"
    assert with_recorded_model(settings, {**recorded, "toy_count": "6"}) == settings.model_copy(update={"toy_count": 6})
    assert differences(settings, {**recorded, "toy_count": "3"}, "model") == ["NIGHTJAR_TOY_COUNT 3, now 4"]
    # A run of older code had two.
    del recorded["toy_count"]
    assert values_before_recording(SettingsWithToys)["toy_count"] == "2"
    assert differences(settings, recorded, "model") == ["NIGHTJAR_TOY_COUNT 2, now 4"]


def test_a_declared_setting_is_tunable_and_an_argument_of_its_job() -> None:
    assert tunable_settings(SettingsWithToys)["toy_count"] == Between(1, 9)
    assert job_settings("score_users", SettingsWithToys)[-1] == "toy_count"
    assert "toy_colour" not in tunable_settings(SettingsWithToys)
    assert not [name for name in job_settings("build_features", SettingsWithToys) if name.startswith("toy")]


def test_no_run_records_a_connection_and_no_child_process_gets_an_administrative_one(tmp_path: Path) -> None:
    assert [name for name in run_parameters(SettingsWithToys()) if name.startswith("toy")] == [
        "toy_count",
        "toy_colour",
    ]
    assert administrative_settings(SettingsWithToys)[-1] == "toy_port"
    environment = child_environment(SettingsWithToys(home=tmp_path))
    assert [name for name in environment if "_TOY_" in name] == ["NIGHTJAR_TOY_COUNT", "NIGHTJAR_TOY_COLOUR"]


def test_every_setting_is_in_one_group_and_described_by_a_sentence() -> None:
    names = [each.name for each in registered(Settings)]
    assert sorted(names) == sorted(Settings.model_fields)
    for each in registered(Settings):
        assert each.field.description, each.name
        assert each.field.description[0].isupper(), each.name
        assert each.field.description.endswith("."), each.name


def test_what_a_search_changes_is_recorded() -> None:
    recorded = {*recorded_settings("model", Settings), *recorded_settings("features", Settings)}
    assert set(tunable_settings(Settings)) <= recorded


def test_what_spark_builds_the_features_with_is_recorded_as_such() -> None:
    assert set(recorded_settings("features", Settings)) <= set(job_settings("build_features", Settings))
