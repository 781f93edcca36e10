import numpy as np
import pytest

from ml.models.repeats import Repeats
from nightjar.contract.artifacts.sources import WARM, History, HistoryRule
from nightjar.contract.settings import Settings
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

PART = training_data(matrix([[2, 0, 1, 3]]), domains=list("abab")).train_part


def test_an_item_speaks_for_itself_in_the_domains_whose_items_may_be_recommended_again() -> None:
    fitted = Repeats().fit(PART, Settings(repeat_after_days="b=7"))
    assert fitted is not None
    assert fitted.weights.toarray().tolist() == np.diag([0, 1, 0, 1]).tolist()
    assert (fitted.weights.nnz, fitted.weights.dtype) == (2, np.float32)
    assert Repeats().fit(PART, Settings(repeat_after_days="*=0")).weights.diagonal().tolist() == [1] * 4


def test_without_repeats_nothing_is_fitted() -> None:
    assert Repeats().fit(PART, Settings()) is None
    assert Repeats().fit(PART, Settings(repeat_after_days="c=7")) is None


def test_how_often_and_how_lately_an_item_was_consumed_are_sources_of_their_own() -> None:
    fitted = Repeats().fit(PART, Settings(repeat_after_days="0"))
    history = History(matrix([[2, 0, 1, 3]]), matrix([[3, 0, 1, 2]]))
    scores = {
        name: (each.history.weighed(history) @ each.weights).toarray()[0] for name, each in fitted.sources("repeats")
    }
    assert list(scores) == ["repeats", "repeats_recent", "repeats_last"]
    assert scores["repeats"].tolist() == [2, 0, 1, 3]
    assert scores["repeats_recent"] == pytest.approx([np.exp(-2 / 4), 0, 1, np.exp(-1 / 4)])
    assert scores["repeats_last"] == pytest.approx([np.exp(-2), 0, 1, np.exp(-1)])
    assert fitted.history == HistoryRule(1.0)


def test_it_is_evaluated_but_ranks_nothing_unless_a_run_chooses_it() -> None:
    assert (Repeats().weight(Settings()), Repeats().items) == (0, WARM)
