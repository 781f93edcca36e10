"""Reduction, signs and weights against values worked out by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.data.text_features import item_texts, with_text_features
from ml.data.training_data import TrainingData, read_training_data
from ml.models.cold_items import metadata_rows
from ml.models.trained_embeddings import embedding_sources
from nightjar.contract.artifacts.embeddings import FEATURES_ONLY, TRAINED, UNKNOWN

# About their mean (0, 0, 7) they vary most along the first axis, less along the second and not along the third.
VECTORS = {"fruit": (3.0, 0.0, 7.0), "metal": (-3.0, 0.0, 7.0), "old": (0.0, 1.0, 7.0), "new": (0.0, -1.0, 7.0)}
TITLES = {"i00": "fruit", "i01": "metal", "i02": "i02", "i03": "old", "i04": "new", "i05": "fruit", "i41": "metal"}


@pytest.fixture
def texted(
    plant: Callable[..., Any], text_model: Callable[..., str], write_texts: Callable[..., None], tmp_path: Path
) -> Callable[..., tuple[TrainingData, TrainingData]]:
    """Read planted features without and with those of texts: `texted(titles, setting=value)`."""
    run, model = plant(tmp_path / "home"), text_model(VECTORS)

    def both(titles: dict[str, str | None], **changes: Any) -> tuple[TrainingData, TrainingData]:
        write_texts(run.folder, titles, [])
        textless = read_training_data(run.folder.features_folder)
        settings = run.settings.model_copy(update={"text_model": model} | changes)
        return textless, with_text_features(textless, run.folder.snapshot_folder, settings)

    return both


def test_items_with_a_text_get_its_features_and_the_others_none(
    texted: Callable[..., tuple[TrainingData, TrainingData]],
) -> None:
    textless, data = texted(TITLES, text_weight=0.5)
    before = len(textless.item_feature_names)
    assert data.item_feature_names[before:].tolist() == [f"(text model):{half}" for half in ("0+", "0-", "1+", "1-")]
    assert (data.item_features[:, :before] != textless.item_features).nnz == 0
    found = data.item_features[:, before:].toarray()
    by_hand = np.zeros((43, 4))
    by_hand[[0, 5], 0] = by_hand[[1, 41], 1] = by_hand[3, 2] = by_hand[4, 3] = 0.5
    assert found == pytest.approx(by_hand)


def test_the_order_of_the_snapshot_changes_no_bit(texted: Callable[..., tuple[TrainingData, TrainingData]]) -> None:
    first, again = texted(TITLES)[1], texted(dict(reversed(TITLES.items())))[1]
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(first.item_features, name), getattr(again.item_features, name))


def test_without_a_model_or_without_any_text_nothing_changes(
    texted: Callable[..., tuple[TrainingData, TrainingData]],
) -> None:
    for titles, changes in ((TITLES, {"text_model": ""}), ({"i00": "i00", "i01": None}, {})):
        textless, data = texted(titles, **changes)
        assert data is textless


def test_a_text_makes_an_item_known_but_does_not_change_its_cold_weights(
    texted: Callable[..., tuple[TrainingData, TrainingData]],
) -> None:
    textless, data = texted(TITLES)
    is_trained = data.train.getnnz(axis=0) > 0
    codes = [embedding_sources(is_trained, each.item_features, each.item_feature_names) for each in (textless, data)]
    # i41 has nothing but its title, whose half i01 carries.
    assert [each[41] for each in codes] == [UNKNOWN, FEATURES_ONLY]
    assert codes[1][1] == TRAINED
    assert (metadata_rows(data) != metadata_rows(textless)).nnz == 0


def test_a_text_is_the_title_and_the_descriptions_in_their_order(
    plant: Callable[..., Any], write_texts: Callable[..., None], tmp_path: Path
) -> None:
    folder = plant(tmp_path).folder
    titles = {"a": " A thing ", "b": "b", "c": None, "d": "d"}
    features = [("a", "description:soft"), ("a", "genre:x"), ("a", "description:big"), ("b", "description: only this")]
    write_texts(folder, titles, [*features, ("gone", "description:of nothing")])
    item_ids = np.array(["d", "b", "a", "c", "unheard of"], object)
    assert item_texts(folder.snapshot_folder, item_ids).tolist() == ["", "only this", "A thing\nbig\nsoft", "", ""]


WORDY = {
    "i00": "The Fox and the FOX (1994)",
    "i01": "ox, foxes of the north",
    "i02": "i02",
    "i03": "Fox: north!",
    "i04": None,
    "i05": "Лиса fox, an OX",
    "i06": "лиса",
}


def test_title_tokens_that_enough_items_carry_are_features_of_one_weight(
    texted: Callable[..., tuple[TrainingData, TrainingData]],
) -> None:
    textless, data = texted(WORDY, text_model="", title_word_weight=0.25, min_feature_support=2)
    known = len(textless.item_feature_names)
    # Once an item, whatever the case; three letters of any script; no year, nor an id that stands for a title.
    assert data.item_feature_names[known:].tolist() == ["(title):fox", "(title):north", "(title):the", "(title):лиса"]
    words = data.item_features[:, known:].toarray()
    assert words[:7].tolist() == [
        [0.25, 0, 0.25, 0],
        [0, 0.25, 0.25, 0],
        [0, 0, 0, 0],
        [0.25, 0.25, 0, 0],
        [0, 0, 0, 0],
        [0.25, 0, 0, 0.25],
        [0, 0, 0, 0.25],
    ]
    assert words[7:].sum() == 0
    assert (data.item_features[:, :known] != textless.item_features).nnz == 0


def test_title_tokens_distinguish_cold_items_unlike_dimensions_of_a_text_model(
    texted: Callable[..., tuple[TrainingData, TrainingData]],
) -> None:
    textless, data = texted(WORDY | {"i41": "fox"}, text_model="", title_word_weight=0.25, min_feature_support=2)
    is_trained = data.train.getnnz(axis=0) > 0
    codes = [embedding_sources(is_trained, each.item_features, each.item_feature_names) for each in (textless, data)]
    assert [each[41] for each in codes] == [UNKNOWN, FEATURES_ONLY]
    assert [metadata_rows(each)[41].nnz for each in (textless, data)] == [0, 1]


@pytest.mark.parametrize(("weight", "support"), [(0.0, 1), (0.25, 100)])
def test_titles_without_a_weight_or_without_a_common_token_change_nothing(
    texted: Callable[..., tuple[TrainingData, TrainingData]], weight: float, support: int
) -> None:
    textless, data = texted(WORDY, text_model="", title_word_weight=weight, min_feature_support=support)
    assert data is textless
