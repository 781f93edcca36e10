from typing import Any

import numpy as np
import pytest

from ml.evaluation.choices import fit_as_a_run
from ml.evaluation.evaluate import evaluate
from ml.evaluation.holdout_slices import holdout_slices
from ml.evaluation.popularity_baseline import best_popularity
from ml.evaluation.slice_lists import Evaluated
from ml.tuning.trial_fit import evaluate_popularity, fit_and_evaluate, list_metrics, search_epochs
from nightjar.contract.settings import FIXED, Settings
from tests.support.small_rankers import domains_of, matrix, ranker_by_scores


def as_set(settings: Settings) -> Settings:
    """Settings by which a run chooses no weights, as the epochs of a search are compared."""
    return settings.model_copy(update={"blend_choice": FIXED, "cold_item_choice": FIXED})


def go_on(epoch: int, recall: float) -> bool:
    return True


def test_a_candidate_is_evaluated_after_its_best_epoch(planted: Any, data: Any) -> None:
    settings = as_set(planted.settings)
    fitted = search_epochs(data, settings, 5, go_on)
    assert fitted is not None
    assert fitted.epochs == int(np.argmax(fitted.curve)) + 1
    # Five epochs later there was still none better, or the training was over.
    assert len(fitted.curve) == min(fitted.epochs + 5, settings.epochs)
    again = fit_and_evaluate(data, settings.model_copy(update={"epochs": fitted.epochs}))
    assert again.by_name() == fitted.metrics.by_name()
    # Fewer users than the curve is sampled at: it shows the very figure.
    assert fitted.metrics.mean("recall") == pytest.approx(max(fitted.curve))


def test_a_number_of_epochs_that_is_given_is_kept(planted: Any, data: Any) -> None:
    settings = as_set(planted.settings).model_copy(update={"epochs": 7})
    fitted = search_epochs(data, settings, None, go_on)
    assert fitted is not None
    assert (fitted.epochs, len(fitted.curve)) == (7, 7)
    assert fitted.metrics.by_name() == fit_and_evaluate(data, settings).by_name()


def test_a_candidate_is_given_up_at_the_epoch_where_the_callback_is_false(planted: Any, data: Any) -> None:
    calls: list[tuple[int, float]] = []

    def until_the_third(epoch: int, recall: float) -> bool:
        calls.append((epoch, recall))
        return epoch < 3

    assert search_epochs(data, planted.settings, 50, until_the_third) is None
    assert [epoch for epoch, _ in calls] == [1, 2, 3]


def test_the_metrics_are_those_of_the_runs_own_evaluation(planted: Any, data: Any) -> None:
    settings = planted.settings.model_copy(update={"epochs": 3})
    ranker = fit_as_a_run(data, settings).ranker()
    slices = holdout_slices(data.train, data.holdout, data.is_available, settings.seed)[:1]
    _, popularity = best_popularity(data.train_part, slices[0], Evaluated.of(data), settings.metric_k)
    rankers = {"nightjar": ranker, "popularity": popularity}
    found = evaluate(rankers, slices, Evaluated.of(data), settings.metric_k)
    rows = {(row.model, row.metric): row.value for row in found.metrics}
    for model, figures in (
        ("nightjar", fit_and_evaluate(data, settings).by_name()),
        ("popularity", evaluate_popularity(data, settings).by_name()),
    ):
        assert figures == pytest.approx({name: rows[model, name] for name in ("recall", "ndcg", "coverage")})


def test_a_value_is_the_mean_over_the_domains_and_coverage_counts_all_lists() -> None:
    # User 0 finds item 1 of a and neither of b, user 1 item 3 of b; items 1, 3 and 0 are recommended, of four.
    scores = np.array([[1, 2, 1, 2], [2, 1, 1, 2]], np.float32)
    train, truth = matrix([[0] * 4] * 2), matrix([[0, 1, 1, 0], [0, 0, 0, 1]])
    domains = domains_of("aabb")
    ranker = ranker_by_scores(scores, train, domains=domains)
    everybody = holdout_slices(train, truth, np.ones(4, np.bool_), seed=1)[0]
    metrics = list_metrics(ranker, everybody, Evaluated(train, train, domains), 1)
    assert {name: values.tolist() for name, values in metrics.of_users.items()} == {
        "recall": [0.5, 1],
        "ndcg": [0.5, 1],
    }
    assert metrics.by_name() == {"recall": 0.75, "ndcg": 0.75, "coverage": 0.75}
    assert metrics.users == 2
