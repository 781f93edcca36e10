import numpy as np
import pytest
from scipy import sparse

from ml.models.content import Content
from nightjar.contract.artifacts.sources import COLD, HistoryRule
from nightjar.contract.settings import Settings
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

# Items 0 and 1 have pairs; of the cold ones 2 carries what 0 does, 3 what 1 does.
PART = training_data(matrix([[1, 0, 0, 0], [1, 1, 0, 0]]), tags=list("abab")).train_part
SETTINGS = Settings(cold_item_lambda=3.0, cold_item_share=0.4, cooccurrence_history_exponent=2.5)


def test_cold_items_get_weights_by_their_features_and_others_none() -> None:
    fitted = Content().fit(PART, SETTINGS)
    assert fitted is not None
    # Two of four items carry each tag: rows of length 1, and weights of 1 / (1 + 3).
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[1, 3] = 1 / 4
    assert fitted.weights.toarray() == pytest.approx(expected)
    assert fitted.weights.dtype == np.float32
    assert fitted.history == HistoryRule(2.5)
    assert Content().items == COLD


def test_it_has_a_blend_weight_of_its_own_unless_nothing_else_is_blended() -> None:
    assert Content().weight(SETTINGS) == 0.4
    assert Content().weight(SETTINGS.model_copy(update={"cooccurrence_share": 0.0})) == 0


@pytest.mark.parametrize(
    ("changes", "is_fitted"),
    [
        # The evaluation may yet choose a weight.
        ({"cold_item_share": 0.0}, True),
        ({"cold_item_share": 0.0, "cold_item_choice": "fixed"}, False),
        ({"cold_item_choice": "fixed"}, True),
        ({"cooccurrence_share": 0.0}, False),
    ],
)
def test_it_is_fitted_only_where_it_may_weigh_something(changes: dict[str, object], is_fitted: bool) -> None:
    assert (Content().fit(PART, SETTINGS.model_copy(update=changes)) is not None) == is_fitted


def test_without_pairs_nothing_is_fitted() -> None:
    nothing = training_data(sparse.csr_matrix((2, 4), dtype=np.float32), tags=list("abab"))
    assert Content().fit(nothing.train_part, SETTINGS) is None
