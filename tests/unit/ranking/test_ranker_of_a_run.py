"""The ranker of all users of a run: blocks, candidates, popularity alone, scores."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from nightjar.contract.artifacts.sources import (
    COLD,
    History,
    HistoryRule,
    ItemScores,
    ItemWeights,
    Source,
    VectorSource,
)
from nightjar.ranking.best_columns import LOWEST
from nightjar.ranking.ranker import Ranker
from nightjar.ranking.top_k_lists import POPULAR, TopKLists
from tests.support.small_models import csr, embeddings_of, small_catalogue

# Item 3 is unknown to the model. Users: by features, unknown of a segment, unknown.
POPULAR_FILMS = {"all": [(3, 9.0), (1, 5.0), (0, 4.0), (2, 1.0)], "job:x": [(2, 8.0), (0, 1.0)]}
NOTHING = sparse.csr_matrix((3, 4), dtype=np.float32)


@pytest.fixture
def small() -> Ranker:
    trained = embeddings_of([[1], [0], [0]], [[3], [2], [1], [0]], user_sources=[1, 0, 0], item_sources=[2, 2, 1, 0])
    items = small_catalogue(trained, {"films": POPULAR_FILMS})
    return Ranker(items, History.unordered(NOTHING), np.array([None, "job:x", None], object))


def items_of(ranker: Ranker, users, k: int, left_out=NOTHING) -> list[list[int]]:
    return TopKLists.side_by_side(ranker.lists(np.array(users, np.int64), left_out, k)).items.tolist()


def test_users_come_in_the_order_asked_for_with_what_they_may_not_get(small: Ranker) -> None:
    left_out = csr([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert items_of(small, [2, 0], 3, left_out) == [[1, 0, 2], [1, 2, 3]]
    assert items_of(small, [1], 3, left_out) == [[0, 3, 1]]


def test_no_user_has_no_lists_of_the_right_shape(small: Ranker) -> None:
    [films] = small.lists(np.array([], np.int64), NOTHING, 2)
    assert (films.items.shape, films.contributions.shape) == ((0, 2), (0, 2, 1))


def test_among_some_items_only_these_are_listed_by_the_model_and_by_popularity(small: Ranker) -> None:
    some = small.among(np.array([False, True, True, False]))
    assert items_of(some, [0, 1, 2], 3) == [[1, 2, -1], [2, 1, -1], [1, 2, -1]]
    assert items_of(small.among(np.zeros(4, bool)), [0, 1, 2], 1) == [[-1]] * 3


def test_without_the_model_everyone_gets_the_list_of_all_users(small: Ranker) -> None:
    [films] = small.without_model().lists(np.arange(3), NOTHING, 3)
    assert films.items.tolist() == [[3, 1, 0]] * 3
    assert films.scores.tolist() == [[9.0, 5.0, 4.0]] * 3
    assert (films.sources == POPULAR).all()


def test_scores_order_the_items_as_the_lists_do(small: Ranker) -> None:
    [(rows, scores)] = small.scores(np.arange(3))
    assert rows == slice(0, 3)
    assert scores[0, :3].tolist() == [3, 2, 1]
    # The segment's scores lie above the best of all, 9, by 1 and their own.
    assert scores[1].tolist() == [11, 5, 18, 9]
    assert scores[2].tolist() == [4, 5, 1, 9]
    assert LOWEST < scores.min() < -1e38
    assert np.argsort(-scores, axis=1, kind="stable").tolist() == items_of(small, [0, 1, 2], 4)


def test_scores_order_the_items_of_a_domain_that_is_new_to_a_user_as_its_list_does() -> None:
    # By the embeddings each domain's first item is best, by what trends its second. User 0 holds a film, 1 nothing.
    trained = embeddings_of([[1]] * 2, [[3], [2], [3], [2]])
    trending = Source("trending", 0.25, ItemScores(np.array([0, 1, 0, 1], np.float32)), weight_new_to_domain=0.75)
    popular = {"books": {"all": [(2, 1.0)]}, "films": {"all": [(0, 1.0)]}}
    items = small_catalogue(trained, popular, trending, domains=["films", "films", "books", "books"])
    history = History.unordered(csr([[1, 0, 0, 0], [0] * 4]))
    [(_, scores)] = Ranker(items, history, np.full(2, None, object)).scores(np.arange(2))
    assert scores == pytest.approx(np.array([[0.5, -0.5, -0.5, 0.5], [-0.5, 0.5, -0.5, 0.5]]), abs=1e-6)


def test_the_scores_of_each_source_are_standardised_and_not_weighed() -> None:
    # Users: trained, unknown, by features with the vector of the first. Embeddings 3, 2, 1 | 7: mean 2, variance 2/3.
    trained = embeddings_of([[1], [0], [1]], [[3], [2], [1], [7]], user_sources=[2, 0, 1], item_sources=[2, 2, 2, 1])
    trending = Source("trending", 0.25, ItemScores(np.array([0, 6, 3, 0], np.float32)), weight_cold_user=0.5)
    content = Source("content", 0.5, ItemWeights(csr([[0, 0, 0, 1], *[[0] * 4] * 3])), COLD)
    # Of an own item 0 it scores 0, 4, 2: mean 2, variance 8/3; others have no history.
    ease = Source("ease", 0.125, ItemWeights(csr([[0, 4, 2, 0], *[[0] * 4] * 3])))
    items = small_catalogue(trained, {"films": {"all": [(0, 1.0)]}}, content, trending, ease)
    ranker = Ranker(items, History.unordered(csr([[1, 0, 0, 0], *[[0] * 4] * 2])), np.full(3, None, object))
    unit = np.sqrt(2 / 3)
    found = {}
    for positions, of_sources in ranker.source_scores(np.array([2, 1, 0])):
        assert len(of_sources) == 3
        found |= {int(position): [each[row] for each in of_sources] for row, position in enumerate(positions)}
    assert sorted(found) == [0, 2]
    # The positions of the trained user and of the one with features.
    assert found[2][2] == pytest.approx(np.array([-2, 2, 0, 0]) / np.sqrt(8 / 3), abs=1e-5)
    assert found[0][2].tolist() == [0, 0, 0, 0]
    for embeddings, of_trending, _ in found.values():
        assert embeddings == pytest.approx(np.array([1, 0, -1, 5]) / unit, abs=1e-5)
        assert of_trending == pytest.approx(np.array([-3, 3, 0, 0]) / np.sqrt(6), abs=1e-5)


def test_scores_come_in_slices_that_cover_the_users_once(small: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = embeddings_of(np.arange(20)[:, None], [[1.0], [0.0]], user_sources=[1] * 20)
    items = small_catalogue(trained, {"films": {"all": [(0, 1.0)]}})
    ranker = Ranker(items, History.unordered(sparse.csr_matrix((20, 2), dtype=np.float32)), np.full(20, None, object))
    # Two items, so eight users at a time.
    monkeypatch.setattr("nightjar.ranking.ranker._SCORES_AT_ONCE", 16)
    users = np.arange(19, 0, -1)
    found = list(ranker.scores(users))
    assert [rows for rows, _ in found] == [slice(0, 8), slice(8, 16), slice(16, 19)]
    assert np.concatenate([scores[:, 0] for _, scores in found]).tolist() == users.tolist()


def large(draw: np.random.Generator, users: int, items: int, domains: int) -> Ranker:
    """A run of users and items of every kind, with sources of every kind."""
    item_sources = draw.choice([0, 1, 2], items, p=[0.1, 0.2, 0.7])
    trained = embeddings_of(
        draw.normal(size=(users, 24)),
        draw.normal(size=(items, 24)),
        item_biases=draw.normal(size=items),
        user_sources=draw.choice([0, 1, 2], users, p=[0.1, 0.1, 0.8]),
        item_sources=item_sources,
    )
    weights = sparse.random(items, items, min(0.2, 60 / items), "csr", np.float32, draw)
    is_cold = sparse.diags((item_sources == 1).astype(np.float32))
    is_warm = sparse.diags((item_sources == 2).astype(np.float32))
    names = [f"domain{number}" for number in range(domains)]
    popular = {
        name: {
            segment: [(int(item), 1.0) for item in draw.permutation(np.arange(number, items, domains))[:listed]]
            for segment, listed in (("all", items), ("job:x", 3))
        }
        for number, name in enumerate(names)
    }
    other = [draw.normal(size=size).astype(np.float32) for size in ((users, 12), (items, 12), items)]
    catalogue = small_catalogue(
        trained,
        popular,
        Source("ease", 0.3, ItemWeights(sparse.csr_matrix(weights @ is_warm), HistoryRule(1.0, 12, 5.0)), "warm", 0.1),
        Source("content", 0.5, ItemWeights(sparse.csr_matrix(weights @ is_cold)), COLD),
        Source("trending", 0.1, ItemScores(draw.random(items).astype(np.float32)), "warm", 0.5, 0.2),
        Source("other", 0.2, VectorSource(*other)),
        domains=[names[item % domains] for item in range(items)],
        is_available=(draw.random(items) < 0.9).tolist(),
    )
    history = sparse.random(users, items, min(0.3, 20 / items), "csr", np.float32, draw)
    ranks = history.copy()
    ranks.data = draw.integers(1, 21, history.nnz).astype(np.float32)
    return Ranker(catalogue, History(history, ranks), draw.choice(np.array([None, "job:x"], object), users))


@pytest.mark.parametrize("diversity_weight", [0.0, 0.3])
@pytest.mark.parametrize(("users", "items", "domains"), [(1500, 30, 1), (700, 1_700, 3), (90, 30_000, 2)])
def test_a_users_lists_depend_to_the_last_bit_on_nobody_else(
    users: int, items: int, domains: int, diversity_weight: float
) -> None:
    draw = np.random.default_rng(items)
    ranker = replace(large(draw, users, items, domains), diversity_weight=diversity_weight)
    # More users than are multiplied at once, so that they fall into several products.
    assert users > ranker.catalogue.blend.rows_at_once
    whole = ranker.lists(np.arange(users), ranker.history.weights, 8)
    assert (np.concatenate([each.sources for each in whole]).min(), whole[0].sources.max()) == (0, 3)
    permuted, some, one = draw.permutation(users), draw.permutation(users)[: users // 3], np.array([users // 2])
    with threadpool_limits(1):
        by_one_thread = ranker.lists(permuted, ranker.history.weights, 8)
    for rows, lists in (
        (permuted, ranker.lists(permuted, ranker.history.weights, 8)),
        (some, ranker.lists(some, ranker.history.weights, 8)),
        (one, ranker.lists(one, ranker.history.weights, 8)),
        (permuted, by_one_thread),
    ):
        for found, expected in zip(lists, whole, strict=True):
            for field in ("items", "scores", "sources", "contributions"):
                np.testing.assert_array_equal(getattr(found, field), getattr(expected, field)[rows], field)
