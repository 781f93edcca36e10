from typing import Any

import numpy as np
import pytest

from ml.tuning.candidate import evaluate_popularity, fit_and_evaluate, search_epochs


def go_on(epoch: int, recall: float) -> bool:
    return True


def test_a_candidate_is_evaluated_after_its_best_epoch(planted: Any, data: Any) -> None:
    settings = planted.settings
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
    settings = planted.settings.model_copy(update={"epochs": 7})
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
    from ml.evaluation.evaluate import evaluate
    from ml.evaluation.holdout_slices import holdout_slices
    from nightjar.ranking.scoring import popularity_ranking

    popularity = popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids))
    slices = holdout_slices(data.train, data.holdout, data.is_available, planted.settings.seed)[:1]
    found = evaluate({"popularity": popularity}, slices, data.train, planted.settings.metric_k)
    rows = {row.metric: row.value for row in found.metrics if row.model == "popularity"}
    figures = evaluate_popularity(data, planted.settings).by_name()
    assert figures == pytest.approx({name: rows[name] for name in ("recall", "ndcg", "coverage")})
