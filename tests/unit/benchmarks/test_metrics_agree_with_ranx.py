"""The metrics of the evaluation agree with ranx, on random recommendations and truths. `make bench-quality` runs it."""

import numpy as np
import pytest
from scipy import sparse

from ml.evaluation.metrics.average_precision import average_precision
from ml.evaluation.metrics.hit_rate import hit_rate
from ml.evaluation.metrics.ndcg import ndcg
from ml.evaluation.metrics.precision import precision
from ml.evaluation.metrics.recall import recall
from ml.evaluation.slice_lists import hits_of

ranx = pytest.importorskip("ranx", reason="ranx is in the dependency group of make bench-quality")

USERS, ITEMS, K = 200, 60, 10


@pytest.fixture(scope="module", params=[1, 2, 3])
def drawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Ten recommendations and truths of 1 to 25 items."""
    draw = np.random.default_rng(request.param)
    recommended = np.array([draw.choice(ITEMS, K, replace=False) for _ in range(USERS)])
    truth = np.zeros((USERS, ITEMS), np.float32)
    for user in range(USERS):
        truth[user, draw.choice(ITEMS, draw.integers(1, 26), replace=False)] = 1
    return recommended, sparse.csr_matrix(truth)


def by_ranx(recommended: np.ndarray, truth: sparse.csr_matrix, metric: str) -> np.ndarray:
    qrels = {f"u{user:03d}": {f"i{item}": 1 for item in truth[user].indices} for user in range(USERS)}
    run = {
        f"u{user:03d}": {f"i{item}": float(K - place) for place, item in enumerate(recommended[user])}
        for user in range(USERS)
    }
    return np.asarray(ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), f"{metric}@{K}", return_mean=False))


@pytest.mark.parametrize(("ours", "theirs"), [(ndcg, "ndcg"), (precision, "precision"), (hit_rate, "hit_rate")])
def test_a_metric_equals_that_of_ranx_for_every_user(drawn, ours, theirs) -> None:
    recommended, truth = drawn
    values = ours(hits_of(recommended, truth), truth.getnnz(axis=1))
    assert values == pytest.approx(by_ranx(recommended, truth, theirs))


@pytest.mark.parametrize(("ours", "theirs"), [(recall, "recall"), (average_precision, "map")])
def test_a_metric_equals_that_of_ranx_except_for_the_bound_of_the_divisor(drawn, ours, theirs) -> None:
    # ranx divides by the size of the truth; ours by at most k, so that a perfect list scores 1.
    recommended, truth = drawn
    sizes = truth.getnnz(axis=1)
    values = ours(hits_of(recommended, truth), sizes) * np.minimum(K, sizes) / sizes
    assert values == pytest.approx(by_ranx(recommended, truth, theirs))
