"""The lists of a block of users, against figures by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightjar.contract.artifacts.sources import COLD, ItemScores, ItemWeights, Source
from nightjar.ranking.ranker import rank_block
from nightjar.ranking.top_k_lists import COLD_USER, PERSONAL, POPULAR, SEGMENT_POPULAR
from tests.support.small_models import csr, embeddings_of, small_block, small_catalogue

# Items 0 to 2 are trained, 3 has only features, 4 is unknown, 5 is no longer available.
ITEMS = [[4, 0], [2, 0], [0, 4], [0, 2], [0, 0], [9, 9]]
BIASES = [0, 3, 0, 0, 0, 0]
ITEM_SOURCES = [2, 2, 2, 1, 0, 2]
AVAILABLE = [True] * 5 + [False]
POPULAR_FILMS = {"all": [(2, 9.0), (4, 5.0), (0, 4.0), (3, 1.0), (1, 0.0)], "job:x": [(3, 7.0), (2, 6.0)]}
# Trained, features only, unknown.
USERS, USER_SOURCES = [[1, 0], [0, 1], [5, 5]], [2, 1, 0]


def catalogue(*others, popular=None, **changes):
    trained = embeddings_of(
        USERS, ITEMS, item_biases=BIASES, item_sources=ITEM_SOURCES, user_sources=changes.pop("user_sources", None)
    )
    changes = {"is_available": AVAILABLE} | changes
    return small_catalogue(trained, popular or {"films": POPULAR_FILMS}, *others, **changes)


def listed(lists, row=0):
    """The items of a row of one domain's lists with their sources."""
    [films] = lists
    return [
        (item, source)
        for item, source in zip(films.items[row].tolist(), films.sources[row].tolist(), strict=True)
        if item >= 0
    ]


def test_a_trained_user_gets_the_order_of_the_model_then_popular_items() -> None:
    # 4, 2 + 3, 0, 0 | 9: items 2 and 3 are equal, 4 is unknown to the model, 5 is not available.
    [films] = rank_block(small_block(catalogue()), catalogue(), 6)
    assert films.items[0].tolist() == [1, 0, 2, 3, 4, -1]
    assert films.sources[0, :5].tolist() == [PERSONAL] * 4 + [POPULAR]
    # Over the trained items 0, 1, 2, 5 the scores are 4, 5, 0, 9: mean 4.5, variance (0.25 + 0.25 + 20.25 + 20.25) / 4.
    assert films.scores[0, :4] == pytest.approx(np.array([0.5, -0.5, -4.5, -4.5]) / np.sqrt(41 / 4), abs=1e-6)
    assert films.scores[0, 4] == 5.0


def test_a_user_known_by_features_is_scored_by_the_embeddings_alone() -> None:
    everything = Source("ease", 0.9, ItemScores(np.arange(6, dtype=np.float32)))
    items = catalogue(everything, user_sources=USER_SOURCES)
    [films] = rank_block(small_block(items, segments=[None, "job:x", None]), items, 3)
    assert films.items[1].tolist() == [2, 1, 3]
    assert films.scores[1].tolist() == [4.0, 3.0, 2.0]
    assert films.sources[1].tolist() == [COLD_USER] * 3


def test_a_user_known_by_features_is_scored_by_the_sources_that_weigh_something_for_them() -> None:
    # Over the trained items 0, 1, 2, 5 the embeddings give 0, 3, 4, 9: mean 4, variance 10.5. The item scores are 9
    # less that. Of item 3, by features 2, they say nothing.
    popular = Source("popular", 0.0, ItemScores(np.array([9, 6, 5, 9, 9, 0], np.float32)), weight_cold_user=0.75)
    items = catalogue(popular, user_sources=USER_SOURCES)
    [films] = rank_block(small_block(items), items, 4)
    assert films.items[1].tolist() == [0, 1, 2, 3]
    assert films.scores[1] == pytest.approx(np.array([2, 0.5, 0, -0.5]) / np.sqrt(10.5), abs=1e-5)
    assert films.sources[1].tolist() == [COLD_USER] * 4
    assert films.contributions[1, 0] == pytest.approx(np.array([-1, 3]) / np.sqrt(10.5), abs=1e-5)
    # A trained user has no part of it.
    assert films.items[0, :2].tolist() == [1, 0]
    assert films.contributions[0, :4, 1].tolist() == [0, 0, 0, 0]


def test_an_unknown_user_gets_popular_items_whatever_their_vector() -> None:
    items = catalogue(user_sources=USER_SOURCES)
    [films] = rank_block(small_block(items, left_out=[(2, 4)]), items, 3)
    assert films.items[2].tolist() == [2, 0, 3]
    assert films.scores[2].tolist() == [9.0, 4.0, 1.0]
    assert films.sources[2].tolist() == [POPULAR] * 3


def test_an_unknown_user_gets_the_popular_items_of_their_segment_first() -> None:
    items = catalogue(user_sources=[0, 0, 0])
    lists = rank_block(small_block(items, segments=["job:x", "job:rare", None], left_out=[(0, 4)]), items, 4)
    by_segment = [(3, SEGMENT_POPULAR), (2, SEGMENT_POPULAR), (0, POPULAR), (1, POPULAR)]
    assert listed(lists) == by_segment
    # A segment without a list is none.
    assert listed(lists, 1) == listed(lists, 2) == [(item, POPULAR) for item in (2, 4, 0, 3)]


def test_the_segment_of_a_user_whom_the_model_knows_does_not_fill_their_list() -> None:
    # Item 4 is unknown to the model, so that popularity brings it.
    items = catalogue(popular={"films": {"all": [(4, 5.0)], "job:x": [(4, 7.0)]}}, user_sources=USER_SOURCES)
    [films] = rank_block(small_block(items, segments=["job:x"] * 3), items, 5)
    assert films.items[:, 4].tolist() == [4, 4, -1]
    assert films.sources[:2, 4].tolist() == [POPULAR, POPULAR]
    assert (films.items[2, 0], films.sources[2, 0]) == (4, SEGMENT_POPULAR)


def test_items_that_are_left_out_are_in_no_list_and_short_lists_are_padded() -> None:
    items = catalogue(user_sources=USER_SOURCES)
    left_out = [(0, 1), (0, 4), (1, 2), (1, 4), (2, 2), (2, 4)]
    [films] = rank_block(small_block(items, left_out=left_out), items, 5)
    assert films.items.tolist() == [[0, 2, 3, -1, -1], [1, 3, 0, -1, -1], [0, 3, 1, -1, -1]]


def test_of_a_user_to_whom_nothing_may_be_recommended_the_list_is_empty() -> None:
    items = catalogue()
    [films] = rank_block(small_block(items, left_out=[(1, item) for item in range(6)]), items, 2)
    assert films.items.tolist() == [[1, 0], [-1, -1], [0, 2]]


def test_each_domain_has_lists_of_its_own() -> None:
    domains = ["films", "books", "films", "books", "books", "books"]
    popular = {"films": {"all": [(0, 2.0), (2, 1.0)]}, "books": {"all": [(4, 8.0), (1, 3.0), (3, 1.0)]}}
    items = catalogue(popular=popular, domains=domains)
    assert [each.name for each in items.domains] == ["books", "films"]
    books, films = rank_block(small_block(items), items, 3)
    assert books.items[0].tolist() == [1, 3, 4]
    assert books.sources[0].tolist() == [PERSONAL, PERSONAL, POPULAR]
    assert films.items[0].tolist() == [0, 2, -1]


def test_a_user_new_to_a_domain_is_ranked_by_the_weights_for_new_users_there_and_by_the_others_at_home() -> None:
    # By the embeddings each domain's first item is 1 and its second -1, by what trends the other way round. The last
    # item is of a domain without a list.
    trained = embeddings_of([[1]] * 5, [[3], [2], [3], [2], [2.5]])
    trending = Source("trending", 0.25, ItemScores(np.array([0, 1, 0, 1, 0.5], np.float32)), weight_new_to_domain=0.75)
    popular = {"books": {"all": [(2, 1.0)]}, "films": {"all": [(0, 1.0)]}}
    items = small_catalogue(trained, popular, trending, domains=["films", "films", "books", "books", "songs"])
    # Who holds a film, a book, both, nothing, a song.
    history = [[1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0] * 5, [0, 0, 0, 0, 1]]
    books, films = rank_block(small_block(items, history=history), items, 2)
    assert films.items.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0], [1, 0]]
    assert books.items.tolist() == [[3, 2], [2, 3], [2, 3], [3, 2], [3, 2]]
    # 2.5 is the mean and 0.5 the spread of four, and the fifth is at the mean: 0.5 / sqrt(4 / 5 / 4) is sqrt(5) / 2.
    unit = np.sqrt(5) / 2
    for lists in (books, films):
        assert lists.scores == pytest.approx(np.array([[0.5, -0.5]] * 5) * unit, abs=1e-5)
        assert lists.contributions.sum(axis=2) == pytest.approx(lists.scores, abs=1e-5)
    assert films.contributions[0, 0] == pytest.approx(np.array([0.75, -0.25]) * unit, abs=1e-5)
    assert films.contributions[1, 0] == pytest.approx(np.array([-0.25, 0.75]) * unit, abs=1e-5)


def test_a_domain_without_a_list_of_all_users_has_no_recommendations() -> None:
    items = catalogue(popular={"films": {"job:x": [(3, 7.0)]}})
    assert items.domains == ()
    assert rank_block(small_block(items), items, 3) == []


def test_a_block_without_users_has_empty_lists() -> None:
    items = catalogue()
    block = small_block(items)
    nobody = replace(
        block,
        vectors={name: vectors[:0] for name, vectors in block.vectors.items()},
        sources=block.sources[:0],
        segments=block.segments[:0],
        history=block.history.of(np.arange(0)),
    )
    assert [each.items.shape for each in rank_block(nobody, items, 3)] == [(0, 3)]


def test_equal_scores_come_in_index_order_at_the_cut_too() -> None:
    items = small_catalogue(embeddings_of([[1]], np.ones((50, 1))), {"films": {"all": [(0, 1.0)]}})
    assert rank_block(small_block(items), items, 7)[0].items.tolist() == [[0, 1, 2, 3, 4, 5, 6]]


@given(arrays(np.float32, (3, 9), elements=st.sampled_from(np.float32([0, 1, 2]))), st.integers(1, 12))
def test_lists_equal_a_full_stable_sort(scores: np.ndarray, k: int) -> None:
    # A user known by features has the score of the embeddings as it is.
    items = small_catalogue(embeddings_of(scores, np.eye(9), user_sources=[1] * 3), {"films": {"all": []}})
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = rank_block(small_block(items), items, k)[0].items
    assert found[:, :9].tolist() == expected.tolist()
    assert (found[:, 9:] == -1).all()


def test_a_history_moves_the_items_that_it_speaks_for() -> None:
    # Own item 2 speaks for item 0 against item 1, which is before it by the embeddings.
    weights = csr([[0] * 6, [0] * 6, [5, 0, 0, 0, 0, 0], *[[0] * 6] * 3])
    items = catalogue(Source("ease", 0.8, ItemWeights(weights)))
    # Item 3, of which it says nothing, would be second.
    block = small_block(items, history=[[0, 0, 1, 0, 0, 0], *[[0] * 6] * 2], left_out=[(0, 3)])
    [films] = rank_block(block, items, 2)
    assert films.items[:2].tolist() == [[0, 1], [2, 1]]


def test_contributions_are_split_by_source_and_sum_to_the_score() -> None:
    # Trained scores 4, 5, 0 | 9 of items 0, 1, 2 | 5, as above; item scores 2, 0, 0 | 2: mean 1, deviation 1.
    popular = Source("popular", 0.5, ItemScores(np.array([2, 0, 0, 7, 7, 2], np.float32)))
    items = catalogue(popular, user_sources=USER_SOURCES)
    [films] = rank_block(small_block(items), items, 5)
    unit = np.sqrt(41 / 4)
    assert films.items[0].tolist() == [0, 1, 3, 2, 4]
    expected = [[-0.25 / unit, 0.5], [0.25 / unit, -0.5], [-2.25 / unit, 0], [-2.25 / unit, -0.5], [0, 0]]
    assert films.contributions[0] == pytest.approx(np.array(expected), abs=1e-6)
    # Those of a user without a trained vector are all of the embeddings, those of popular items none.
    assert films.contributions[1].tolist() == [[4, 0], [3, 0], [2, 0], [0, 0], [0, 0]]
    assert films.contributions[2].tolist() == [[0, 0]] * 5


def test_contributions_sum_to_the_score_of_every_item_of_the_model() -> None:
    draw = np.random.default_rng(4)
    trained = embeddings_of(
        draw.normal(size=(30, 6)), draw.normal(size=(80, 6)), item_sources=[2] * 60 + [1] * 20, user_sources=[2, 1] * 15
    )
    history = np.where(draw.random((30, 80)) < 0.1, draw.random((30, 80)), 0)
    warm, cold = (np.where(draw.random((80, 80)) < 0.2, draw.random((80, 80)), 0) for _ in range(2))
    cold[:, :60] = 0
    items = small_catalogue(
        trained,
        {"films": {"all": []}},
        Source("ease", 0.3, ItemWeights(csr(warm))),
        Source("content", 0.6, ItemWeights(csr(cold)), COLD),
        Source("popular", 0.2, ItemScores(draw.random(80).astype(np.float32))),
    )
    [films] = rank_block(small_block(items, history=history), items, 60)
    assert (films.items >= 60).any()
    assert films.contributions.sum(axis=2) == pytest.approx(films.scores, abs=1e-5)
    assert (np.abs(films.contributions[::2]).max(axis=(0, 1)) > 0.1).all()


def test_diversity_replaces_a_duplicate_of_the_item_above_from_the_pool() -> None:
    # Items 0 and 1 point the same way, item 2 across, item 3 the other way. The features user's scores 10, 9, 5, 0
    # are relevance 1, 0.9, 0.5, 0: after item 0 item 1 is worth 0.45 - 0.5, item 2 0.25, item 3 0.
    trained = embeddings_of(
        [[1, 0], [0, 0]], [[1, 0], [1, 0], [0, 1], [-1, 0]], item_biases=[9, 8, 5, 1], user_sources=[1, 0]
    )
    items = small_catalogue(trained, {"films": {"all": [(1, 3.0), (0, 2.0), (2, 1.0), (3, 0.0)]}})
    block = small_block(items)
    [plain], [diverse] = rank_block(block, items, 3), rank_block(block, items, 3, 0.5)
    assert plain.items[0].tolist() == [0, 1, 2]
    assert diverse.items[0].tolist() == [0, 2, 3]
    assert diverse.scores[0] == pytest.approx([0.5, 0.25, 0.0])
    # What the sources added stays that of the item.
    assert diverse.contributions[0].tolist() == [[10], [5], [0]]
    # Popular items come in their order.
    assert diverse.items[1].tolist() == plain.items[1].tolist() == [1, 0, 2]


def test_diversity_fills_up_short_lists_with_popular_items() -> None:
    items = catalogue()
    lists = rank_block(small_block(items, left_out=[(0, 0)]), items, 5, 0.5)
    assert listed(lists) == [(1, PERSONAL), (2, PERSONAL), (3, PERSONAL), (4, POPULAR)]
