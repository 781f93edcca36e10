"""How often the gate errs: simulated runs of two models whose true quality is known.

Each user has a taste for a model's lists (a beta draw, shared by both models) and hits fall with that probability, so
that recalls are discrete, skewed and mostly zero, as they are. Seeds are fixed: the shares below never change.
"""

import numpy as np
import pytest

from ml.evaluation.champion import Champion
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.gates.model_gate import judge_model
from nightjar.contract.settings import Settings

SETTINGS = Settings(metric_k=10, gate_champion_tolerance=0.0, gate_confidence=0.95)
CHAMPION = ComparedChampion(Champion("2026-02-28.1", "r", None), changed_configuration=["NIGHTJAR_EPOCHS 20, now 30"])
RUNS = 400


def lists(random: np.random.Generator, taste: np.ndarray, sizes: np.ndarray) -> dict[str, np.ndarray]:
    """Recall@10 and NDCG@10 of one model: each of the first ten places hits with the user's taste."""
    hits = random.random((len(taste), 10)) < taste[:, None]
    hits &= hits.cumsum(axis=1) <= sizes[:, None]
    discounts = 1 / np.log2(np.arange(2, 12))
    reachable = np.minimum(sizes, 10)
    return {"recall": hits.sum(axis=1) / reachable, "ndcg": hits @ discounts / discounts.cumsum()[reachable - 1]}


def refused_share(users: int, loss: float, runs: int = RUNS) -> float:
    """Fraction of runs on which a model that hits `loss` (a share) less often than the champion is refused."""
    refused = 0
    for run in range(runs):
        random = np.random.default_rng([users, run])
        taste, sizes = random.beta(0.5, 6, users), random.integers(1, 30, users)
        champion, model = lists(random, taste, sizes), lists(random, taste * (1 - loss), sizes)
        of_users = {"nightjar": model, "popularity": champion, "champion": champion}
        verdicts = judge_model(EvaluationResults(of_users, dict.fromkeys(of_users, 0.5), CHAMPION), SETTINGS)
        refused += verdicts[1].verdict == "refused"
    return refused / runs


@pytest.mark.parametrize("users", [5, 20, 100, 500])
def test_of_equal_models_at_most_the_nominal_share_is_refused(users: int) -> None:
    # Five in a hundred are meant; the standard error of a share of 400 runs is 1.1 in a hundred.
    assert refused_share(users, loss=0.0) <= 0.05 + 2 * 0.011


@pytest.mark.parametrize(("users", "loss", "share"), [(500, 0.5, 0.99), (100, 0.9, 0.95)])
def test_a_clearly_worse_model_is_refused(users: int, loss: float, share: float) -> None:
    assert refused_share(users, loss) >= share


def test_a_loss_too_small_to_be_seen_passes_more_often_than_not() -> None:
    assert refused_share(100, loss=0.05) < 0.2
