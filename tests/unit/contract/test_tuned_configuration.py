from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.contract.settings.ranges import OneOf
from nightjar.contract.tuned_configuration import (
    TUNABLE,
    UNTUNED,
    TunedConfiguration,
    read_tuned_configuration,
    tunable_values,
    write_tuned_configuration,
)
from tests.support.refusals import refused


def test_a_tuned_configuration_replaces_its_settings_and_no_other(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, epochs=7, embedding_dim=9, top_k=3)
    tuned = TunedConfiguration("2026-03-01.1", {"epochs": 12, "learning_rate": 0.04}).over(settings)
    assert tuned == settings.model_copy(update={"epochs": 12, "learning_rate": 0.04})
    assert UNTUNED.over(settings) == settings


def test_only_what_is_tunable_may_be_in_one() -> None:
    with refused(BadInput, "not_tunable", configuration="r", settings=["seed", "top_k"]):
        TunedConfiguration("r", {"top_k": 3, "epochs": 1, "seed": 2}).over(Settings())


def test_a_value_that_the_setting_does_not_take_is_named_with_the_configuration() -> None:
    with refused(
        BadInput,
        "unknown_setting_value",
        configuration="2026-03-01.1",
        setting="NIGHTJAR_LEARNING_RATE",
        value=-1,
        settings=["NIGHTJAR_LEARNING_RATE"],
    ):
        TunedConfiguration("2026-03-01.1", {"learning_rate": -1}).over(Settings())


def test_every_default_lies_where_the_search_looks() -> None:
    for name, value in tunable_values(Settings()).items():
        assert TUNABLE[name].holds(value), name
    assert not TUNABLE["embedding_dim"].holds(33)
    assert not TUNABLE["epochs"].holds(61)


def test_every_value_that_the_search_may_find_is_one_that_the_setting_takes() -> None:
    for name, where in TUNABLE.items():
        for value in where.values if isinstance(where, OneOf) else (where.low, where.high):
            assert getattr(TunedConfiguration("r", {name: value}).over(Settings()), name) == value


def test_the_digest_is_that_of_the_values_alone() -> None:
    one, same = (
        TunedConfiguration("a", {"epochs": 3, "max_sampled": 5}),
        TunedConfiguration("b", {"max_sampled": 5, "epochs": 3}),
    )
    assert one.sha256 == same.sha256 != TunedConfiguration("a", {"epochs": 4, "max_sampled": 5}).sha256


def test_one_is_read_as_it_was_written(tmp_path: Path) -> None:
    configuration = TunedConfiguration("2026-03-01.2", {"epochs": 12, "item_alpha": 1e-06, "learning_rate": 0.0213})
    write_tuned_configuration(tmp_path / "new" / "recipe.json", configuration)
    assert read_tuned_configuration(tmp_path / "new" / "recipe.json") == configuration
    assert read_tuned_configuration(tmp_path / "recipe.json") == UNTUNED


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "r"}', '{"name": "r", "values": 3}'])
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(text, encoding="utf-8")
    with refused(BadInput, "not_a_configuration", file=path):
        read_tuned_configuration(path)
