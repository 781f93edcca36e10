"""Four warm items and two cold ones, judged by sources that give each item one score."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from ml.data.training_data import TrainingPart
from ml.evaluation.evaluate import LIST_METRICS
from ml.evaluation.judge import Judgement, all_slices, judge
from ml.models import registry
from ml.models.candidate import Candidate
from ml.models.lightfm import Factors
from ml.models.trained_embeddings import FittedFactors
from nightjar.contract.artifacts.sources import COLD, WARM, ItemScores
from nightjar.contract.settings import Settings
from tests.support.small_rankers import matrix
from tests.support.small_training_data import training_data

SETTINGS = Settings(metric_k=1, cold_item_regression_share=0.0, popularity_weight=1.0)
# Users 0 and 1 have one item each, user 2 none, user 3 two; items 4 and 5 are cold.
TRAIN = matrix([[1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0] * 6, [0, 0, 1, 1, 0, 0]])
HOLDOUT = matrix([[0, 0, 1, 0, 1, 0], [0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0] * 6])
DATA = training_data(TRAIN, holdout=HOLDOUT, tags=list("xyxyxy"), segments=np.array(["s", "s", "s", None], object))


@dataclass(frozen=True)
class Constant:
    """A model that gives each item one score."""

    name: str
    items: str
    scores: tuple[float, ...]
    own_weight: float = 0.0

    def weight(self, settings: Settings) -> float:
        return self.own_weight

    def fit(self, part: TrainingPart, settings: Settings) -> ItemScores:
        return ItemScores(np.array(self.scores, np.float32))


OF_WARM = Constant("of_warm", WARM, (0, 1, 3, 2, 9, 9))
OF_COLD = Constant("of_cold", COLD, (9, 9, 9, 9, 1, 2))


def candidate(
    monkeypatch: pytest.MonkeyPatch, *models: Any, tags_at: tuple[float, float] = (1, 1), **changes: Any
) -> Candidate:
    """Unless the tags stand elsewhere everything is at the same place: the embeddings say nothing."""
    monkeypatch.setattr(registry, "MODELS", models)
    data = replace(DATA, **changes)
    users = Factors(np.ones((4, 1), np.float32), np.zeros(4, np.float32))
    items = Factors(np.array(tags_at, np.float32)[:, None], np.zeros(2, np.float32))
    fitted = {model.name: model.fit(data.train_part, SETTINGS) for model in models}
    return Candidate(data.train_part, SETTINGS, FittedFactors(data, data.train, users, items, 1.0), fitted)


def judged(judged_candidate: Candidate, **champion: Any) -> Judgement:
    return judge(judged_candidate, champion.get("champion"), all_slices(judged_candidate.part.data, SETTINGS))


def recall_of_model(judgement: Judgement) -> float:
    keys = ("nightjar", "all", "recall")
    [value] = [row.value for row in judgement.metrics if (row.model, row.slice, row.metric) == keys]
    return value


def test_each_source_alone_is_measured_on_the_slice_of_its_items(monkeypatch: pytest.MonkeyPatch) -> None:
    of_warm = Constant("of_warm", WARM, (0, 3, 2, 1, 9, 9))
    found = judged(candidate(monkeypatch, of_warm, OF_COLD, tags_at=(0, 1))).of_sources
    slices = {"lightfm": ("all", 3), "of_warm": ("all", 3), "of_cold": ("cold_item", 1)}
    assert [(row.model, (row.slice, row.users), row.metric, row.k) for row in found] == [
        (source, where, metric, 1) for source, where in slices.items() for metric in LIST_METRICS
    ]
    recalls = {row.model: row.value for row in found if row.metric == "recall"}
    # Odd items stand higher: user 0 gets item 1 and user 1 item 3. User 2, unknown, gets item 0 of everyone's list.
    assert recalls["lightfm"] == pytest.approx(2 / 3)
    # By of_warm user 0 gets item 1 and user 1 item 2.
    assert recalls["of_warm"] == pytest.approx(1 / 3)
    # By of_cold user 0 gets item 5 of the cold ones, and wants 4.
    assert recalls["of_cold"] == 0
    turned = candidate(monkeypatch, Constant("of_cold", COLD, (9, 9, 9, 9, 2, 1)), tags_at=(0, 1))
    assert [row.value for row in judged(turned).of_sources if (row.model, row.metric) == ("of_cold", "recall")] == [1]


def test_a_source_that_weighs_something_ranks_in_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"weightless": 0.0, "heavy": 0.5}
    recalls = {
        name: recall_of_model(judged(candidate(monkeypatch, Constant(name, WARM, OF_WARM.scores, weight))))
        for name, weight in weights.items()
    }
    # Alone the embeddings rank all items the same.
    assert recalls == {"weightless": pytest.approx(1 / 3), "heavy": pytest.approx(2 / 3)}


def test_the_baseline_is_the_list_of_all_users_whatever_their_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    popularity = DATA.train_part.popularity
    of_everyone = popularity.lists["d"]["all"]
    lists = {"d": {"all": of_everyone, "s": replace(of_everyone, items=np.array([5]), scores=np.ones(1, np.float32))}}
    judgement = judged(candidate(monkeypatch, train_popularity=replace(popularity, lists=lists)))
    # Items 0 to 3 have one user each: user 0 gets item 1, users 1 and 2 item 0. The model gives user 2, whom it does
    # not know, item 5 of their segment.
    of_users = judgement.evaluation.of_users
    assert of_users["popularity"]["recall"].tolist() == [0, 0, 1]
    assert of_users["nightjar"]["recall"].tolist() == [0, 0, 0]


def test_the_refit_of_a_champion_is_measured_beside_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = candidate(monkeypatch, OF_WARM)
    champion = ours.ranker_of("of_warm")
    judgement = judged(ours, champion=champion)
    assert set(judgement.evaluation.of_users) == {"nightjar", "popularity", "champion"}
    assert judgement.evaluation.of_users["champion"]["recall"].tolist() == [1, 0, 1]
    assert set(judged(ours).evaluation.of_users) == {"nightjar", "popularity"}


def test_users_out_of_training_are_folded_in_and_measured_on_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    # User 2 shows item 0, and wants items 2 and 0.
    shown = sparse.csr_matrix(([1.0], ([2], [0])), shape=(4, 6), dtype=np.float32)
    holdout = (HOLDOUT + matrix([[0] * 6, [0] * 6, [0, 0, 1, 0, 0, 0], [0] * 6])).tocsr()
    heavy = Constant("heavy", WARM, OF_WARM.scores, 0.5)
    judgement = judged(candidate(monkeypatch, heavy, holdout=holdout, fold_in_recency=shown))
    rows = {(row.model, row.metric): row for row in judgement.metrics if row.slice == "fold_in"}
    assert {model for model, _ in rows} == {"nightjar", "popularity", "consumed"}
    # Folded in, they are ranked by the source: item 2. Of the popular items item 0 is left out, item 1 is the next.
    assert (rows["nightjar", "recall"].value, rows["popularity", "recall"].value) == (1, 0)
    assert rows["nightjar", "recall"].users == 1


def test_the_popularity_curve_is_that_of_the_model_by_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = candidate(monkeypatch, Constant("heavy", WARM, OF_WARM.scores, 0.5))
    points = judged(ours).popularity_curve
    assert [point.weight for point in points] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    # At 1 it is the model itself.
    assert points[-1].recall == pytest.approx(recall_of_model(judged(ours)))


def test_the_slices_are_those_of_the_holdout_and_across_domains() -> None:
    data = replace(DATA, item_domains=np.array(list("aaaabb"), object))
    slices = all_slices(data, SETTINGS)
    assert [each.name for each in slices] == ["all", "warm", "cold_user", "cold_item", "cross:a->b"]
    assert slices[-1].users.tolist() == [0]
