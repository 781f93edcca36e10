import re

import pytest
from pydantic import ValidationError

from ml.evaluation.recorded_configuration import differences, unrecorded, with_recorded_model
from nightjar.contract.settings import Settings, run_parameters

SETTINGS = Settings(epochs=30, popularity_weight=0.5, seed=7, metric_k=10)
RECORDED = {name: str(value) for name, value in run_parameters(SETTINGS).items()}


def named(found: list[str]) -> list[list[str]]:
    """The setting and the values of each difference."""
    return [re.findall(r"NIGHTJAR_\w+|\d+", each) for each in found]


def test_the_same_settings_do_not_differ_and_others_are_named_with_both_values() -> None:
    assert differences(SETTINGS, RECORDED, "model") == []
    recorded = {**RECORDED, "epochs": "20", "metric_k": "5"}
    assert named(differences(SETTINGS, recorded, "model")) == [["NIGHTJAR_EPOCHS", "20", "30"]]
    assert named(differences(SETTINGS, recorded, "protocol")) == [["NIGHTJAR_METRIC_K", "5", "10"]]


def test_recorded_settings_of_the_model_replace_their_own_and_nothing_else() -> None:
    recorded = {**RECORDED, "epochs": "20", "learning_rate": "0.5", "metric_k": "5", "home": "/elsewhere"}
    theirs = with_recorded_model(SETTINGS, recorded)
    assert theirs == SETTINGS.model_copy(update={"epochs": 20, "learning_rate": 0.5})


def test_what_is_recorded_must_be_a_value_of_its_setting() -> None:
    with pytest.raises(ValidationError, match="epochs"):
        with_recorded_model(SETTINGS, {**RECORDED, "epochs": "none"})


def test_what_older_code_did_not_record_is_named() -> None:
    assert unrecorded(SETTINGS, RECORDED) == []
    assert unrecorded(SETTINGS, {name: text for name, text in RECORDED.items() if name != "epochs"}) == [
        "NIGHTJAR_EPOCHS"
    ]
    assert ["NIGHTJAR_EPOCHS", "30"] in named(differences(SETTINGS, {}, "model"))


def test_what_older_code_held_out_is_that_of_the_default() -> None:
    older = {name: text for name, text in RECORDED.items() if name != "repeat_after_days"}
    assert differences(SETTINGS, older, "protocol") == []
    again = SETTINGS.model_copy(update={"repeat_after_days": "7"})
    assert named(differences(again, older, "protocol")) == [["NIGHTJAR_REPEAT_AFTER_DAYS", "7"]]


def test_what_ran_before_vectors_had_none() -> None:
    older = {name: text for name, text in RECORDED.items() if name not in ("vector_weight", "vector_dimensions")}
    assert differences(SETTINGS.model_copy(update={"vector_weight": 0.0}), older, "model") == []
    assert differences(SETTINGS, older, "model") == ["NIGHTJAR_VECTOR_WEIGHT 0.0, now 1.0"]
