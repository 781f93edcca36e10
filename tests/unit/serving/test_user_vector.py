from datetime import UTC, datetime

import numpy as np
import pytest

from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.artifacts.sources import ItemScores, Source, VectorSource
from nightjar.contract.artifacts.user_features import UserFeatures
from nightjar.serving.published_model import PublishedModel, spaces_of
from nightjar.serving.user_history import Event, is_positive, last_times
from nightjar.serving.user_vector import feature_weights, history_of_newest, locate_user
from nightjar.warehouse.event_weights import EventWeight, by_type
from tests.support.small_models import embeddings_of, small_catalogue

KNOWN = UserFeatures(
    names=np.array(["given-id:7", "job:(rare)", "job:x", "job:y"], object),
    carriers=np.array([3, 3, 3, 3]),
    is_informative=np.ones(4, bool),
    vectors=np.zeros((4, 2), np.float32),
    max_weight=2.0,
)
# The lowest min_value first.
WEIGHTS = by_type(
    [
        EventWeight("dislike", 0.0),
        EventWeight("watch", 0.1),
        EventWeight("rating", 0.0, 0.0),
        EventWeight("rating", 1.0, 4.0),
    ]
)


@pytest.mark.parametrize("unknown_event_weight", [0.0, 0.5])
def test_the_weight_of_the_highest_min_value_that_is_reached_decides(unknown_event_weight: float) -> None:
    found = {
        (event_type, value): is_positive(event_type, value, WEIGHTS, unknown_event_weight)
        for event_type, value in (
            ("watch", None),
            ("watch", 7.0),
            ("rating", 3.9),
            ("rating", 4.0),
            ("rating", -1.0),
            ("rating", None),
            ("dislike", None),
            ("poke", 3.0),
            (" Dislike ", 1.0),
        )
    }
    unknown = [("poke", 3.0)] if unknown_event_weight else []
    assert [each for each, positive in found.items() if positive] == [
        ("watch", None),
        ("watch", 7.0),
        ("rating", 4.0),
        *unknown,
    ]


def test_items_are_ordered_by_their_last_event_and_of_one_instant_by_id() -> None:
    def at(item: str, hour: int) -> Event:
        return Event(item, True, datetime(2026, 3, 1, hour, tzinfo=UTC))

    times = last_times([at("b", 5), at("a", 5), at("c", 9), at("c", 1), at("d", 7)])
    assert list(times) == ["c", "d", "a", "b"]
    assert times["c"] == at("c", 9).occurred_at


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"job:x": 1.0}, [0, 0, 1, 0]),
        ({"job:x": 3.0, "job:y": 1.0}, [0, 0, 1.5, 0.5]),
        ({"job:new": 0.5, "job:newer": 0.25}, [0, 0.5, 0, 0]),
        ({"id:7": 1.0, "town:z": 1.0}, [1, 0, 0, 0]),
        ({}, [0, 0, 0, 0]),
    ],
    ids=["known", "scaled down", "largest of the rare", "given id, kind without rare ones", "none"],
)
def test_features_have_the_weights_of_the_spark_job(given: dict[str, float], expected: list[float]) -> None:
    assert feature_weights(KNOWN, given).tolist() == expected


def test_a_user_is_folded_in_by_every_source_of_vectors() -> None:
    # Trained lengths of 5 and 2; item 1 has no vector in the embeddings, so that it does not count.
    trained = embeddings_of([[3, 4]], [[2, 0], [0, 0], [0, 1]])
    users, items = np.array([[2]], np.float32), np.array([[-7], [1], [0]], np.float32)
    others = (
        Source("other", 0.5, VectorSource(users, items, np.zeros(3, np.float32))),
        Source("popular", 0.1, ItemScores(np.ones(3, np.float32))),
        Source("resting", 0.0, VectorSource(users, items, np.zeros(3, np.float32))),
    )
    catalogue = small_catalogue(trained, {}, *others)
    model = PublishedModel(catalogue, spaces_of(ModelSources(trained, others)), None)
    history = history_of_newest(model, ("i1", "i0", "new"), 5)
    assert history.weights.toarray().tolist() == history.newest_ranks.toarray().tolist() == [[1, 0, 0]]
    vectors, source, segment = locate_user(model, history.weights, {}, 1)
    assert {name: vector.tolist() for name, vector in vectors.items()} == {LIGHTFM: [[5, 0]], "other": [[-2]]}
    assert (source, segment) == (2, None)
