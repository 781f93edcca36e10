"""The blend that recommendations are ranked by, against figures by hand or by a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.artifacts.sources import (
    COLD,
    IN_DOMAIN,
    NEW_TO_DOMAIN,
    USERS,
    WITHOUT_ITEMS,
    History,
    HistoryRule,
    ItemScores,
    ItemWeights,
    Source,
    VectorSource,
)
from nightjar.ranking.best_columns import LOWEST, best_columns
from nightjar.ranking.blend import Blend, BlendedScores, blend_of
from tests.support.small_models import csr, embeddings_of, unordered

# Items 0 to 2 have interactions, 3 only features, 4 is unknown. The last dimension of a score is the bias.
VECTORS = [[1, 0], [2, 0], [3, 0], [5, 0], [9, 9]]
KNOWN = [2, 2, 2, 1, 0]
# Own item 0 speaks for item 1 with 3 and against item 2 with 3.
WEIGHTS = csr([[0, 3, -3, 0, 0], *[[0] * 5] * 4])
ONE_USER = np.array([[1, 7]], np.float32)
# The spread of the embeddings' scores 1, 2, 3.
UNIT = np.sqrt(2 / 3)
EMBEDDED, EASE = np.array([-1, 0, 1]) / UNIT, np.array([0, 6, -6]) / np.sqrt(24)


def blend(*others: Source, vectors=VECTORS, known=KNOWN) -> Blend:
    return blend_of(ModelSources(embeddings_of(ONE_USER, vectors, item_sources=known), others))


def ease(weight: float, exponent: float = 1.0, weights=WEIGHTS, average=None, **of_users: float) -> Source:
    average = None if average is None else np.array(average, np.float32)
    return Source("ease", weight, ItemWeights(weights, HistoryRule(exponent), average), **of_users)


def content(weight: float, *of_own_item_0: float, average=None) -> Source:
    average = None if average is None else np.array(average, np.float32)
    return Source("content", weight, ItemWeights(csr([of_own_item_0, *[[0] * 5] * 4]), average=average), COLD)


def popular(weight: float, *scores: float, items: str = "warm", **of_users: float) -> Source:
    return Source("popular", weight, ItemScores(np.array(scores, np.float32)), items, **of_users)


def vectors_source(weight: float, user, item_vectors, biases=(0,) * 5, items: str = "warm") -> Source:
    parts = (np.array(each, np.float32) for each in ([user], item_vectors, biases))
    return Source("other", weight, VectorSource(*parts), items)


def scored(model: Blend, *history: float, user=ONE_USER, other=None) -> BlendedScores:
    vectors = {LIGHTFM: np.asarray(user, np.float32)}
    if other is not None:
        vectors["other"] = np.array([other], np.float32)
    return model.scores(vectors, unordered([history]))


def scores_of(model: Blend, *history: float, users: str = IN_DOMAIN, **of_user) -> np.ndarray:
    return scored(model, *history, **of_user).total(users)[0]


def test_both_parts_are_standardised_over_the_items_with_interactions() -> None:
    # Embedding scores 1, 2, 3 | 5: mean 2, variance 2/3. EASE 0, 6, -6: mean 0, variance 24.
    scores = scores_of(blend(ease(0.25)), 2, 0, 0, 0, 0)
    assert scores[:3] == pytest.approx(0.75 * EMBEDDED + 0.25 * EASE, abs=1e-6)


def test_what_item_weights_say_of_items_without_interactions_does_not_count() -> None:
    also_of_others = csr([[0, 3, -3, 50, 70], *[[0] * 5] * 4])
    average = [0, 0, 0, 5, 5]
    scores = scores_of(blend(ease(0.25, weights=also_of_others, average=average)), 2, 0, 0, 0, 0)
    assert scores.tolist() == scores_of(blend(ease(0.25, average=[0] * 5)), 2, 0, 0, 0, 0).tolist()


def test_the_average_is_subtracted_in_proportion_to_the_size_of_the_history() -> None:
    # From 0, 6, -6 the average subtracts 2 * (0, 1, -2): 0, 4, -2, mean 2/3, variance 56/9.
    scores = scores_of(blend(ease(1.0, average=[0, 1, -2, 0, 0])), 2, 0, 0, 0, 0)
    assert scores[:3] == pytest.approx((np.array([0, 4, -2]) - 2 / 3) / np.sqrt(56 / 9), abs=1e-6)
    assert scores[3] == 0


def test_a_history_without_weights_gets_no_negative_average() -> None:
    # Item 1 has no weight for any other.
    assert scores_of(blend(ease(1.0, average=[0, 1, -2, 0, 0])), 0, 3, 0, 0, 0)[:4].tolist() == [0, 0, 0, 0]


def test_an_item_without_interactions_competes_by_its_embedding_and_an_unknown_one_not_at_all() -> None:
    scores = scores_of(blend(ease(0.25)), 2, 0, 0, 0, 0)
    assert scores[3] == pytest.approx(0.75 * 3 / UNIT)
    assert scores[4] == LOWEST


# Two cold items of embedding scores 5 and 7: terms of 3 and 5, mean 4, spread 1, in units of the root of 2/3.
TWO_COLD = {"vectors": [[1, 0], [2, 0], [3, 0], [5, 0], [7, 0]], "known": [2, 2, 2, 1, 1]}


@pytest.mark.parametrize(
    "of_cold_items",
    [
        content(0.75, 0, 0, 0, 2, -2),
        popular(0.75, np.nan, np.nan, np.nan, 30, 10, items=COLD),
        # The warm items have no vector: it does not score them.
        vectors_source(0.75, [3], [[0], [0], [0], [2], [1]], items=COLD),
    ],
    ids=["item weights", "item scores", "vectors"],
)
def test_cold_items_are_standardised_among_themselves_about_their_embedding_scores(of_cold_items: Source) -> None:
    # The source of cold items favours item 3 before 4: 1 and -1 spreads from their mean.
    scores = scores_of(blend(ease(0.25), of_cold_items, **TWO_COLD), 2, 0, 0, 0, 0, other=[3])
    assert scores[3:] == pytest.approx([(0.25 * 3 + 0.75 * 5) / UNIT, (0.25 * 5 + 0.75 * 3) / UNIT], abs=1e-5)
    # It says nothing about warm ones.
    assert scores[:3].tolist() == scores_of(blend(ease(0.25)), 2, 0, 0, 0, 0)[:3].tolist()


def test_the_average_of_cold_items_is_subtracted_too() -> None:
    # An average history of the size 2 scores 10 for item 3, the own one 4: now item 4 is 1 standard deviation above.
    model = blend(ease(0.25), content(0.75, 0, 0, 0, 2, -2, average=[0, 0, 0, 5, 0]), **TWO_COLD)
    assert scores_of(model, 2, 0, 0, 0, 0)[3:] == pytest.approx([3 / UNIT, 5 / UNIT], abs=1e-5)
    # For a user whose history has no weight for them the embedding decides.
    expected = [(0.25 * 3 + 0.75 * 4) / UNIT, (0.25 * 5 + 0.75 * 4) / UNIT]
    assert scores_of(model, 0, 3, 0, 0, 0)[3:] == pytest.approx(expected, abs=1e-5)


def test_a_single_cold_item_scores_by_its_embedding() -> None:
    model = blend(ease(0.25), content(0.75, 0, 0, 0, 2, -2), vectors=TWO_COLD["vectors"])
    assert scores_of(model, 2, 0, 0, 0, 0)[3] == pytest.approx(3 / UNIT, abs=1e-5)


def test_a_source_without_weight_or_without_an_item_of_its_own_is_left_out() -> None:
    plain = blend(ease(0.25))
    without_weight = blend(ease(0.25), content(0.0, 0, 0, 0, 2, 0))
    # Content speaks for an item with interactions and for an unknown one.
    without_item = blend(ease(0.25), content(0.75, 0, 3, 0, 0, 2))
    assert [each.names for each in (plain, without_weight, without_item)] == [(LIGHTFM, "ease")] * 3
    for model in (without_weight, without_item):
        assert scores_of(model, 2, 0, 0, 0, 0).tolist() == scores_of(plain, 2, 0, 0, 0, 0).tolist()


def test_item_scores_are_standardised_over_the_items_with_interactions() -> None:
    # 6, 0, 3: mean 3, variance 6; what they say of items without interactions does not count.
    model = blend(ease(0.25), popular(0.5, 6, 0, 3, 800, 900))
    scores = scores_of(model, 2, 0, 0, 0, 0)
    expected = 0.25 * EMBEDDED + 0.25 * EASE + 0.5 * np.array([3, -3, 0]) / np.sqrt(6)
    assert scores[:3] == pytest.approx(expected, abs=1e-6)
    assert scores[3] == pytest.approx(0.25 * 3 / UNIT)
    assert scores[4] == LOWEST
    # They are the same for a user without a history.
    assert scores_of(model, 0, 0, 0, 0, 0)[:3] == pytest.approx(expected - 0.25 * EASE, abs=1e-6)


def test_a_second_source_of_vectors_is_standardised_for_each_user() -> None:
    # The user's vector 2 with 1, 0, 2 and the biases 0, 1, 0 gives 2, 1, 4: mean 7/3, variance 14/9.
    model = blend(vectors_source(0.4, [2], [[1], [0], [2], [7], [7]], [0, 1, 0, 0, 0]))
    other = (np.array([2, 1, 4]) - 7 / 3) / np.sqrt(14 / 9)
    scores = scores_of(model, 0, 0, 0, 0, 0, other=[2])
    assert scores[:3] == pytest.approx(0.6 * EMBEDDED + 0.4 * other, abs=1e-6)
    assert scores[3] == pytest.approx(0.6 * 3 / UNIT)
    # A user whom it does not know, and one for whom it has no vectors, get nothing of its biases.
    for unknown in ([0], None):
        assert scores_of(model, 0, 0, 0, 0, 0, other=unknown)[:3] == pytest.approx(0.6 * EMBEDDED, abs=1e-6)


def test_contributions_are_what_each_source_added() -> None:
    model = blend(ease(0.25), popular(0.25, 6, 0, 3, 0, 0), content(0.75, 0, 0, 0, 2, -2), **TWO_COLD)
    found = scored(model, 2, 0, 0, 0, 0)
    items = np.array([[3, 1, -1, 0]])
    values = np.where(items >= 0, found.total()[:, items[0]], LOWEST).astype(np.float32)
    assert model.names == (LIGHTFM, "ease", "popular", "content")
    assert found.contributions(np.array([0]), items, values)[0] == pytest.approx(
        np.array(
            [
                [0.25 * 3 / UNIT, 0, 0, 0.75 * 5 / UNIT],
                [0, 0.25 * 6 / np.sqrt(24), -0.25 * 3 / np.sqrt(6), 0],
                [0, 0, 0, 0],
                [-0.5 / UNIT, 0, 0.25 * 3 / np.sqrt(6), 0],
            ]
        ),
        abs=1e-5,
    )


def test_users_without_a_trained_vector_are_scored_by_the_embeddings_alone() -> None:
    model = blend(ease(0.25), popular(0.25, 6, 0, 3, 0, 0, weight_new_to_domain=0.5))
    assert not model.blends_for_cold
    found = model.scores_of_cold({LIGHTFM: ONE_USER})
    assert found.total(WITHOUT_ITEMS)[0].tolist() == [1, 2, 3, 5, LOWEST]
    items = np.array([[3, -1]])
    parts = found.contributions(np.array([0]), items, np.array([[5, LOWEST]], np.float32), WITHOUT_ITEMS)
    assert parts.tolist() == [[[5, 0, 0], [0, 0, 0]]]


def test_users_without_a_trained_vector_are_scored_by_standardised_scores_where_a_source_has_a_weight_for_them() -> (
    None
):
    # Item scores 6, 0, 3: mean 3, variance 6. Without an own item EASE says nothing, and takes nothing away.
    model = blend(ease(0.5), popular(0.125, 6, 0, 3, 800, 900, weight_cold_user=0.25))
    assert model.blends_for_cold
    found = model.scores_of_cold({LIGHTFM: ONE_USER}).total(WITHOUT_ITEMS)
    assert found[0, :3] == pytest.approx(0.75 * EMBEDDED + 0.25 * np.array([3, -3, 0]) / np.sqrt(6), abs=1e-6)
    # 5 is three above the mean of 2.
    assert found[0, 3] == pytest.approx(0.75 * 3 / UNIT)
    assert found[0, 4] == LOWEST


def test_users_new_to_a_domain_have_weights_of_their_own() -> None:
    # EASE weighs 0.25 or 0, popular 0.5 or 0.75: the embeddings have 0.25 for both.
    of_popular = np.array([3, -3, 0]) / np.sqrt(6)
    model = blend(ease(0.25, weight_new_to_domain=0.0), popular(0.5, 6, 0, 3, 0, 0, weight_new_to_domain=0.75))
    assert model.differs_for_new
    own, new = (scores_of(model, 2, 0, 0, 0, 0, users=users) for users in (IN_DOMAIN, NEW_TO_DOMAIN))
    assert own[:3] == pytest.approx(0.25 * EMBEDDED + 0.25 * EASE + 0.5 * of_popular, abs=1e-6)
    assert new[:3] == pytest.approx(0.25 * EMBEDDED + 0.75 * of_popular, abs=1e-6)


def test_without_weights_of_their_own_users_new_to_a_domain_have_those_of_the_others() -> None:
    model = blend(ease(0.25), popular(0.5, 6, 0, 3, 0, 0, weight_new_to_domain=0.5))
    assert not model.differs_for_new
    own, new = (scores_of(model, 2, 0, 0, 0, 0, users=users).tolist() for users in (IN_DOMAIN, NEW_TO_DOMAIN))
    assert own == new


def test_a_source_with_a_weight_for_one_kind_of_users_is_kept() -> None:
    model = blend(popular(0.0, 6, 0, 3, 0, 0, weight_cold_user=0.5), ease(0.0, weight_new_to_domain=0.25))
    assert model.names == (LIGHTFM, "popular", "ease")
    assert scores_of(model, 2, 0, 0, 0, 0)[:3] == pytest.approx(EMBEDDED, abs=1e-6)
    weights = {users: model.embedding_weights[users].tolist() for users in USERS}
    assert weights == {IN_DOMAIN: [1] * 5, NEW_TO_DOMAIN: [0.75] * 5, WITHOUT_ITEMS: [0.5] * 5}


@pytest.mark.parametrize("users", USERS)
def test_contributions_add_up_to_the_score_of_each_kind_of_users(users: str) -> None:
    model = blend(
        ease(0.25, weight_new_to_domain=0.125),
        popular(0.25, 6, 0, 3, 0, 0, weight_new_to_domain=0.5, weight_cold_user=0.75),
        content(0.75, 0, 0, 0, 2, -2),
        **TWO_COLD,
    )
    found = scored(model, 2, 0, 0, 0, 0)
    items = np.array([[0, 1, 2, 3, 4]])
    parts = found.contributions(np.array([0]), items, found.total(users), users)[0]
    assert parts.sum(axis=1) == pytest.approx(found.total(users)[0], abs=1e-5)
    # Item 0, by the embeddings, EASE and popular.
    of_embeddings, of_ease, of_popular = {
        IN_DOMAIN: (0.5, 0.25, 0.25),
        NEW_TO_DOMAIN: (0.375, 0.125, 0.5),
        WITHOUT_ITEMS: (0.25, 0, 0.75),
    }[users]
    assert parts[0] == pytest.approx([-of_embeddings / UNIT, 0, of_popular * 3 / np.sqrt(6), 0], abs=1e-5)
    assert parts[1, 1] == pytest.approx(of_ease * 6 / np.sqrt(24), abs=1e-5)


def test_the_order_of_a_history_counts_by_the_rule_of_the_source() -> None:
    # Own item 0 speaks for item 1, own item 1 for item 2. Item 1 is the newest: one rank is half the weight.
    weights = csr([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], *[[0] * 5] * 3])
    rule = HistoryRule(1.0, decay=float(1 / np.log(2)))
    model = blend(Source("transitions", 1.0, ItemWeights(weights, rule)))
    history = History(csr([[1, 1, 0, 0, 0]]), csr([[2, 1, 0, 0, 0]]))
    found = model.scores({LIGHTFM: ONE_USER}, history).total()[0, :3]
    # 0, 0.5, 1: mean 0.5, variance 1 / 6.
    assert found == pytest.approx(np.array([-0.5, 0, 0.5]) * np.sqrt(6), abs=1e-5)


def test_without_a_history_or_without_spread_the_other_part_decides() -> None:
    by_embedding = scores_of(blend(ease(0.5)), 0, 0, 0, 0, 0, user=[[1, 0]])
    assert by_embedding[:4] == pytest.approx(0.5 * np.array([-1, 0, 1, 3]) / UNIT)
    nothing = scores_of(blend(ease(0.5)), 0, 0, 0, 0, 0, user=[[0, 0]])
    assert nothing.tolist() == [0, 0, 0, 0, LOWEST]


def test_the_exponent_sharpens_the_history() -> None:
    # Weights 1 and 3 to the power of 2 are 1 and 9.
    weights = csr([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], *[[0] * 5] * 3])

    def of(exponent: float, *history: float) -> list[float]:
        return scores_of(blend(ease(1.0, exponent, weights)), *history).tolist()

    assert of(2.0, 1, 3, 0, 0, 0) == of(1.0, 1, 9, 0, 0, 0)
    assert of(0.0, 5, 3, 0, 0, 0) == of(1.0, 1, 1, 0, 0, 0)


def test_no_factor_on_a_history_or_a_vector_changes_a_score() -> None:
    one = scores_of(blend(ease(0.5)), 2, 1, 0, 0, 0)
    other = scores_of(blend(ease(0.5)), 600, 300, 0, 0, 0, user=[[10, 70]])
    assert one == pytest.approx(other, abs=1e-6)


@settings(max_examples=200)
@given(
    arrays(np.float32, (3, 70), elements=st.sampled_from(np.float32([0, 1, 2, 3, LOWEST]))),
    st.integers(1, 80),
)
def test_the_best_columns_are_those_of_a_full_stable_sort(scores: np.ndarray, k: int) -> None:
    columns, values = best_columns(scores, k)
    for row in range(3):
        expected = [int(each) for each in np.argsort(-scores[row], kind="stable") if scores[row, each] > LOWEST][:k]
        assert columns[row].tolist() == expected + [-1] * (k - len(expected))
        assert values[row].tolist() == [*scores[row, expected], *[LOWEST] * (k - len(expected))]


def test_no_column_gives_empty_ranks() -> None:
    columns, values = best_columns(np.empty((2, 0), np.float32), 2)
    assert columns.tolist() == [[-1, -1], [-1, -1]]
    assert (values == LOWEST).all()
