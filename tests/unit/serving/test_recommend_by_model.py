"""A folded-in user gets the recommendations that the evaluation ranks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from nightjar.contract.artifacts import embeddings
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.settings import Settings
from nightjar.ranking.catalogue import catalogue_of
from nightjar.ranking.fold_in import fold_in, newest_weights, trained_length
from nightjar.ranking.scoring import best_items, popularity_ranking, published_ranking
from nightjar.serving.published_model import PublishedModel
from nightjar.serving.recommend import recommendations_by_model
from nightjar.serving.user_history import UserHistory

ITEMS, K, NEWEST = 40, 6, 4
AS_OF = datetime(2026, 3, 28, tzinfo=UTC)


# The items had their last events an hour apart; the newest one is 6 hours after the publication's end.
@pytest.mark.parametrize(("repeats", "left_out"), [("", 7), ("0", 0), ("1", 7), ("films=0", 0), ("books=0", 7)])
def test_recommendations_of_a_folded_in_user_are_those_of_the_evaluation(
    tmp_path: Path, repeats: str, left_out: int
) -> None:
    draw = np.random.default_rng(2)
    weights = sparse.random(ITEMS, ITEMS, 0.3, "csr", np.float32, draw)
    ids = np.array([f"i{item:02d}" for item in range(ITEMS)], object)
    model = Embeddings(
        user_ids=np.array(["u", "new"], object),
        item_ids=ids,
        user_vectors=np.array([[1, 2, 2], [0, 0, 0]], np.float32),
        user_biases=np.zeros(2, np.float32),
        item_vectors=draw.normal(size=(ITEMS, 3)).astype(np.float32),
        item_biases=draw.normal(size=ITEMS).astype(np.float32),
        user_sources=np.array([2, 0], np.int8),
        item_sources=np.full(ITEMS, 2, np.int8),
    )
    item_weights = ItemWeights(0.5, 2.0, weights)
    liked = draw.choice(ITEMS, 7, replace=False)
    recency = sparse.csr_matrix((np.arange(1.0, 8), ([1] * 7, liked)), shape=(2, ITEMS))
    folded = fold_in(model, recency, NEWEST)
    popularity = popularity_ranking(np.ones(ITEMS, np.int64), 2)
    ranking = published_ranking(folded, popularity, item_weights, newest_weights(recency, NEWEST))
    seen = recency if left_out else sparse.csr_matrix((2, ITEMS))
    expected = best_items(ranking, np.array([1]), np.ones(ITEMS, bool), seen, K)[0]

    embeddings.save(model, tmp_path / "model", item_weights)
    items = pa.table({"item_id": ids, "domain": ["films"] * ITEMS, "is_available": [True] * ITEMS})
    popular = pa.table(
        {"segment": ["all"], "domain": ["films"], "item_index": [0], "score": pa.array([1], pa.float32())}
    )
    served = PublishedModel(
        catalogue_of(tmp_path / "model", items, popular), model.item_vectors, trained_length(model), None
    )
    last_at = {item: AS_OF + timedelta(hours=place) for place, item in enumerate(ids[liked][::-1])}
    history = UserHistory(max(last_at.values()), dict(reversed(last_at.items())), tuple(ids[liked]), {})
    found = recommendations_by_model(
        served, "new", history, AS_OF, Settings(top_k=K, fold_in_items=NEWEST, repeat_after_days=repeats)
    )
    assert [(item.rank, item.item_id, item.source) for item in found] == [
        (rank, ids[item], "fold_in") for rank, item in enumerate(expected, 1)
    ]


def test_the_days_of_a_repeat_are_counted_to_the_newest_event_of_the_user(tmp_path: Path) -> None:
    model = Embeddings(
        user_ids=np.array([], object),
        item_ids=np.array(["bread", "milk"], object),
        user_vectors=np.zeros((0, 1), np.float32),
        user_biases=np.zeros(0, np.float32),
        item_vectors=np.ones((2, 1), np.float32),
        item_biases=np.zeros(2, np.float32),
        user_sources=np.zeros(0, np.int8),
        item_sources=np.full(2, 2, np.int8),
    )
    embeddings.save(model, tmp_path / "model")
    items = pa.table({"item_id": model.item_ids, "domain": ["food"] * 2, "is_available": [True] * 2})
    popular = pa.table(
        {"segment": ["all"], "domain": ["food"], "item_index": [0], "score": pa.array([1], pa.float32())}
    )
    served = PublishedModel(catalogue_of(tmp_path / "model", items, popular), model.item_vectors, 1.0, None)

    def listed(milk_hours: float, bread_hours: float) -> list[str]:
        times = {"milk": AS_OF - timedelta(hours=milk_hours), "bread": AS_OF - timedelta(hours=bread_hours)}
        history = UserHistory(max(times.values()), times, tuple(times), {})
        found = recommendations_by_model(served, "u", history, AS_OF, Settings(repeat_after_days="food=2"))
        assert all(item.reason_item_id != item.item_id for item in found)
        return sorted(item.item_id for item in found)

    assert listed(48, 1) == ["milk"]
    assert listed(47, 1) == []
    # Bread was bought an hour after the publication's end: by then milk is two days old.
    assert listed(47, -1) == ["milk"]
    assert listed(60, 50) == ["bread", "milk"]
