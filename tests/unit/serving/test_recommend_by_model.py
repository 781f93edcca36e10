"""A folded-in user gets the recommendations that the evaluation ranks."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import COLD, HistoryRule, ItemScores, ItemWeights, Source, VectorSource
from nightjar.contract.settings import Settings
from nightjar.ranking.fold_in import folded_history, folded_in
from nightjar.ranking.ranker import Ranker
from nightjar.serving.published_model import PublishedModel, Space, spaces_of
from nightjar.serving.recommend import recommendations_by_model
from nightjar.serving.user_history import UserHistory
from tests.support.small_models import embeddings_of, small_catalogue

ITEMS, K, NEWEST = 40, 6, 4
AS_OF = datetime(2026, 3, 28, tzinfo=UTC)
WARM_ITEMS = 32


def random_sources(draw: np.random.Generator) -> tuple[Source, ...]:
    """Return sources of every kind; the users `u0` is trained, `u1` not."""
    weights = sparse.random(ITEMS, ITEMS, 0.3, "csr", np.float32, draw)
    is_cold = sparse.diags((np.arange(ITEMS) >= WARM_ITEMS).astype(np.float32))
    user_vectors, item_vectors = np.array([[3, 4], [0, 0]], np.float32), draw.normal(size=(ITEMS, 2))
    return (
        Source("ease", 0.3, ItemWeights(weights, HistoryRule(2.0, 3, 2.0))),
        Source("content", 0.5, ItemWeights(sparse.csr_matrix(weights @ is_cold)), COLD),
        Source("trending", 0.1, ItemScores(draw.random(ITEMS).astype(np.float32))),
        Source("other", 0.2, VectorSource(user_vectors, item_vectors.astype(np.float32), np.zeros(ITEMS, np.float32))),
    )


def published_model(trained: Embeddings, *others: Source, domain: str = "films") -> PublishedModel:
    domains = [domain] * len(trained.item_ids)
    items = small_catalogue(trained, {domain: {"all": [(0, 1.0)]}}, *others, domains=domains)
    return PublishedModel(items, spaces_of(ModelSources(trained, others)), None)


# The items had their last events an hour apart; the newest one is 6 hours after the publication's end.
@pytest.mark.parametrize(("repeats", "left_out"), [("", 7), ("0", 0), ("1", 7), ("films=0", 0), ("books=0", 7)])
@pytest.mark.parametrize("is_blended", [True, False])
def test_recommendations_of_a_folded_in_user_are_those_of_the_evaluation(
    repeats: str, left_out: int, is_blended: bool
) -> None:
    draw = np.random.default_rng(2)
    trained = embeddings_of(
        [[1, 2, 2], [0, 0, 0]],
        draw.normal(size=(ITEMS, 3)),
        item_biases=draw.normal(size=ITEMS),
        user_sources=[2, 0],
        item_sources=[2] * WARM_ITEMS + [1] * (ITEMS - WARM_ITEMS),
    )
    others = random_sources(draw) if is_blended else ()
    liked = draw.choice(ITEMS, 7, replace=False)
    recency = sparse.csr_matrix((np.arange(1.0, 8), ([1] * 7, liked)), shape=(2, ITEMS))
    folded = folded_in(ModelSources(trained, others), recency, NEWEST)
    catalogue = small_catalogue(folded.embeddings, {"films": {"all": [(0, 1.0)]}}, *folded.others)
    ranker = Ranker(catalogue, folded_history(recency, NEWEST), np.array([None, None], object))
    seen = recency if left_out else sparse.csr_matrix((2, ITEMS))
    [expected] = ranker.lists(np.array([1]), seen, K)

    ids = trained.item_ids
    last_at = {item: AS_OF + timedelta(hours=place) for place, item in enumerate(ids[liked][::-1])}
    history = UserHistory(max(last_at.values()), dict(reversed(last_at.items())), tuple(ids[liked]), {})
    found = recommendations_by_model(
        published_model(trained, *others),
        "new",
        history,
        AS_OF,
        Settings(top_k=K, fold_in_items=NEWEST, repeat_after_days=repeats),
    )
    assert [(item.rank, item.item_id, item.source) for item in found] == [
        (rank, ids[item], "fold_in") for rank, item in enumerate(expected.items[0], 1)
    ]
    assert [item.score for item in found] == expected.scores[0].tolist()


def test_the_days_of_a_repeat_are_counted_to_the_newest_event_of_the_user() -> None:
    trained = embeddings_of(np.zeros((0, 1)), np.ones((2, 1)))
    served = published_model(trained, domain="food")
    # Nobody is trained: without a length the folded-in user would have no vector.
    served = PublishedModel(served.catalogue, {"lightfm": Space(trained.item_vectors, 1.0)}, None)

    def listed(milk_hours: float, bread_hours: float) -> list[str]:
        times = {"i0": AS_OF - timedelta(hours=milk_hours), "i1": AS_OF - timedelta(hours=bread_hours)}
        history = UserHistory(max(times.values()), times, tuple(times), {})
        found = recommendations_by_model(served, "u", history, AS_OF, Settings(repeat_after_days="food=2"))
        assert all(item.reason_item_id != item.item_id for item in found)
        return sorted({"i0": "milk", "i1": "bread"}[item.item_id] for item in found)

    assert listed(48, 1) == ["milk"]
    assert listed(47, 1) == []
    # Bread was bought an hour after the publication's end: by then milk is two days old.
    assert listed(47, -1) == ["milk"]
    assert listed(60, 50) == ["bread", "milk"]
