"""The ablations of the benchmark: what one of them changes, and what stays."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from benchmarks.cold_start.holdouts import training_data
from benchmarks.cold_start.sources import Source
from benchmarks.quality import ablations
from benchmarks.quality.ablations import Ablation, effects, identities_only
from ml.data.training_data import TrainingData, TrainingPart
from ml.models.candidate import Candidate, fit_candidate
from nightjar.contract.settings import Settings

SETTINGS = Settings(epochs=1, embedding_dim=2, min_feature_support=1)


@pytest.fixture
def data() -> TrainingData:
    """Four users with three of five items each, one of which is held out."""
    pairs = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [1, 0, 0, 1, 1]], np.float32)
    held_out = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], np.float32)
    source = Source(sparse.csr_matrix(pairs - held_out), np.full(5, "d", object), sparse.csr_matrix(np.eye(5)))
    made = training_data(source, SETTINGS)
    return replace(made, holdout=sparse.csr_matrix(held_out))


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of each fit, in order."""
    all_fits: list[Settings] = []

    def watched(part: TrainingPart, settings: Settings) -> Candidate:
        all_fits.append(settings)
        return fit_candidate(part, settings)

    monkeypatch.setattr(ablations, "fit_candidate", watched)
    return all_fits


def test_only_a_blend_weight_needs_no_other_fit(
    data: TrainingData, fitted: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = (
        Ablation("as published"),
        Ablation("blend weight", {"cooccurrence_share": 0.5}),
        Ablation("lambda", {"cooccurrence_lambda": 2.0}),
        Ablation("identities", data=identities_only),
    )
    monkeypatch.setattr(ablations, "ABLATIONS", some)
    figures = effects(data, SETTINGS)
    default = SETTINGS.cooccurrence_lambda
    assert [each.cooccurrence_lambda for each in fitted] == [default, 2.0, default]
    # Three unseen items in a list of ten: every truth is in it.
    assert {name: each["recall"] for name, each in figures.items()} == {each.name: 1.0 for each in some}


def test_changed_data_is_seen_by_the_embeddings_alone(data: TrainingData) -> None:
    unchanged = fit_candidate(data.train_part, SETTINGS)
    changed = ablations._ablated(unchanged, Ablation("identities", data=identities_only))
    assert changed.part is unchanged.part
    assert changed.fitted is unchanged.fitted
    assert unchanged.factors.items.is_trained.sum() == 10
    assert changed.factors.items.is_trained.sum() == 5
