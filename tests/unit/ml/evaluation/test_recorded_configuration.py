import re

import pytest
from pydantic import ValidationError

from ml.evaluation.recorded_configuration import FEATURES, PROTOCOL, RECIPE, differences, unrecorded, with_recipe
from nightjar.contract.settings import Settings, run_parameters

# They decide when a night runs, what is kept, how lists and indices are cut, and what the gates ask for.
WITHOUT_EFFECT_ON_THE_EVALUATION = {
    "warehouse_engine",
    "schedule",
    "deadline_minutes",
    "lookback_days",
    "attribution_window_hours",
    "attribution_touch",
    "control_variant",
    "performance_schedule",
    "min_interval_events",
    "min_volume_share",
    # What the events are, which a model meets anew on each date.
    "unknown_event_weight",
    "max_events_per_day",
    "import_max_gb",
    "max_silent_hours",
    "empty_interval",
    # Which tuned recipe a night takes shows in the settings that it changes.
    "recipe",
    "tuning_schedule",
    "tuning_minutes",
    "retention_schedule",
    "retention_publication_days",
    "retention_rollback_publications",
    "retention_run_folder_days",
    "retention_mlflow_days",
    "top_k",
    "similar_k",
    "popular_k",
    "popularity_half_life_days",
    "min_segment_users",
    "train_threads",
    # Of the evaluation only the slice fold_in, which no gate looks at.
    "fold_in_items",
    "gate_confidence",
    "gate_popularity_margin",
    "gate_champion_tolerance",
    "gate_record_tolerance",
    "gate_coverage_tolerance",
    "gate_coverage_floor",
    "index_m",
    "index_ef_construction",
    "index_ef",
    "index_ef_max",
    "index_recall_target",
    "index_recall_floor",
}
SETTINGS = Settings(epochs=30, popularity_weight=0.5, seed=7, metric_k=10)
RECORDED = {name: str(getattr(SETTINGS, name)) for name in (*RECIPE, *FEATURES, *PROTOCOL)}


def test_every_setting_has_been_thought_of() -> None:
    lists = [*RECIPE, *FEATURES, *PROTOCOL, *WITHOUT_EFFECT_ON_THE_EVALUATION]
    assert len(lists) == len(set(lists))
    assert set(lists) == set(run_parameters(SETTINGS))


def named(found: list[str]) -> list[list[str]]:
    """The setting and the values of each difference."""
    return [re.findall(r"NIGHTJAR_\w+|\d+", each) for each in found]


def test_the_same_settings_do_not_differ_and_others_are_named_with_both_values() -> None:
    assert differences(SETTINGS, RECORDED, RECIPE) == []
    recorded = {**RECORDED, "epochs": "20", "metric_k": "5"}
    assert named(differences(SETTINGS, recorded, RECIPE)) == [["NIGHTJAR_EPOCHS", "20", "30"]]
    assert named(differences(SETTINGS, recorded, PROTOCOL)) == [["NIGHTJAR_METRIC_K", "5", "10"]]


def test_a_recorded_recipe_takes_the_place_of_the_settings_own_and_nothing_else() -> None:
    recorded = {**RECORDED, "epochs": "20", "learning_rate": "0.5", "metric_k": "5", "home": "/elsewhere"}
    theirs = with_recipe(SETTINGS, recorded)
    assert theirs == SETTINGS.model_copy(update={"epochs": 20, "learning_rate": 0.5})


def test_what_is_recorded_must_be_a_value_of_its_setting() -> None:
    with pytest.raises(ValidationError, match="epochs"):
        with_recipe(SETTINGS, {**RECORDED, "epochs": "none"})


def test_a_recipe_of_older_code_is_told_by_what_it_lacks() -> None:
    assert unrecorded(RECORDED) == []
    assert unrecorded({name: text for name, text in RECORDED.items() if name != "epochs"}) == ["NIGHTJAR_EPOCHS"]
    assert named(differences(SETTINGS, {}, ["epochs"])) == [["NIGHTJAR_EPOCHS", "30"]]


def test_what_older_code_held_out_is_that_of_the_default() -> None:
    older = {name: text for name, text in RECORDED.items() if name != "repeat_after_days"}
    assert differences(SETTINGS, older, PROTOCOL) == []
    again = SETTINGS.model_copy(update={"repeat_after_days": "7"})
    assert named(differences(again, older, PROTOCOL)) == [["NIGHTJAR_REPEAT_AFTER_DAYS", "7"]]
