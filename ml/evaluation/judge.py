"""Judges a candidate on the holdout: its lists beside popularity and the champion's, and each of its sources alone.

Pure; used by the stage evaluate_model.
"""

from dataclasses import dataclass

from ml.data.training_data import TrainingData
from ml.evaluation.cross_domain_slices import cross_domain_slices
from ml.evaluation.evaluate import BASELINE, CHAMPION, MODEL, Evaluation, Metric, evaluate, evaluate_alone
from ml.evaluation.holdout_slices import HoldoutSlice, fold_in_slice, holdout_slices, sampled, slice_named
from ml.evaluation.popularity_baseline import best_popularity
from ml.evaluation.popularity_curve import CurvePoint, popularity_curve
from ml.evaluation.slice_lists import Evaluated
from ml.models.candidate import Candidate
from nightjar.contract.artifacts.sources import COLD
from nightjar.contract.beside import beside
from nightjar.contract.settings import Settings
from nightjar.ranking.ranker import Ranker

# Users of the sample on which the popularity curve and each source alone are measured.
SAMPLE_USERS = 5_000


@dataclass(frozen=True)
class Judgement:
    """The measurements of a candidate on the holdout.

    Attributes:
        evaluation: metrics of the model, of popularity and of the refit of the champion.
        of_sources: list metrics of each source alone.
        popularity_curve: metrics by popularity weight.
        popularity: what the popularity baseline counts.
    """

    evaluation: Evaluation
    of_sources: list[Metric]
    popularity_curve: list[CurvePoint]
    popularity: str

    @property
    def metrics(self) -> list[Metric]:
        """All metrics."""
        return self.evaluation.metrics + self.of_sources


def all_slices(data: TrainingData, settings: Settings) -> list[HoldoutSlice]:
    """Cut the holdout into the slices of users and items, the first of which is `all`, and those across domains."""
    return [
        *holdout_slices(data.train, data.holdout, data.is_available, settings.seed),
        *cross_domain_slices(data.train, data.holdout, data.item_domains, data.is_available, settings.seed),
    ]


def judge(candidate: Candidate, champion: Ranker | None, slices: list[HoldoutSlice]) -> Judgement:
    """Measure a candidate that was fitted on the training part.

    Args:
        candidate: with the weights that it ranks by.
        champion: ranker of the champion's refit; None: there is none.
        slices: as of `all_slices`.
    """
    data, settings, k = candidate.part.data, candidate.settings, candidate.settings.metric_k
    truth, sample = Evaluated.of(data), sampled(slices[0], SAMPLE_USERS, settings.seed)

    def ranker_at(popularity_weight: float) -> Ranker:
        return candidate.at(settings.model_copy(update={"popularity_weight": popularity_weight})).ranker()

    def of_parts() -> tuple[list[CurvePoint], list[Metric]]:
        return popularity_curve(ranker_at, sample, truth, k), _metrics_of_sources(candidate, slices)

    with beside("the evaluation of each source", of_parts) as parts:
        counts, popularity = best_popularity(candidate.part, sample, truth, k)
        rankers = {MODEL: candidate.ranker(), BASELINE: popularity}
        if champion is not None:
            rankers[CHAMPION] = champion
        evaluation = evaluate(rankers, slices, truth, k)
        evaluation.metrics.extend(_fold_in_metrics(candidate))
        curve, of_sources = parts()
    return Judgement(evaluation, of_sources, curve, counts)


def _metrics_of_sources(candidate: Candidate, slices: list[HoldoutSlice]) -> list[Metric]:
    settings, truth, rows = candidate.settings, Evaluated.of(candidate.part.data), []
    for source in candidate.model().facts():
        of_slice = slice_named(slices, "cold_item" if source.items == COLD else "all")
        sample = sampled(of_slice, SAMPLE_USERS, settings.seed)
        ranker = candidate.ranker_of(source.source)
        rows.extend(evaluate_alone(ranker, source.source, sample, truth, settings.metric_k))
    return rows


def _fold_in_metrics(candidate: Candidate) -> list[Metric]:
    data, settings = candidate.part.data, candidate.settings
    recency = data.fold_in_recency
    fold_in = fold_in_slice(recency, data.holdout, data.is_available, settings.seed, data.repeated)
    history = (data.train + recency).tocsr()
    truth = Evaluated(history, data.left_out_with(history), data.item_domains)
    ranker = candidate.ranker(recency)
    rankers = {MODEL: ranker, BASELINE: ranker.without_model()}
    return evaluate(rankers, [fold_in], truth, settings.metric_k).metrics
