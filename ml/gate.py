"""Decides whether a night's model and indices are good enough to publish.

Pure: figures in, verdicts out. Used by the stages gate_model and build_indices, which record the verdicts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ml.evaluation import BASELINE, MODEL, Metric
from warehouse.errors import GateRefused
from warehouse.gate_decisions import GateDecision
from warehouse.settings import Settings


@dataclass(frozen=True)
class Champion:
    """The publication a new model is compared with, and its recall@k on its own holdout."""

    publication_id: str
    recall: float


def judge_model(metrics: Sequence[Metric], champion: Champion | None, settings: Settings) -> list[GateDecision]:
    """Compare the model's recall@k on slice `all` with the popularity baseline and with the champion."""
    k = settings.metric_k
    found = {row.model: row for row in metrics if (row.slice, row.metric, row.k) == ("all", "recall", k)}
    model, baseline = found[MODEL], found[BASELINE]
    if model.users == 0:
        reason = "no user has a holdout: too little data to judge"
        return [GateDecision("popularity", "skipped", reason), GateDecision("champion", "skipped", reason)]
    margin, tolerance = settings.gate_popularity_margin, settings.gate_champion_tolerance
    against_popularity = _at_least(
        "popularity",
        model.value,
        margin * baseline.value,
        f"recall@{k} {model.value:.4f} against {margin:g} x popularity's {baseline.value:.4f}",
    )
    if champion is None:
        return [against_popularity, GateDecision("champion", "skipped", "no publication of an earlier date")]
    against_champion = _at_least(
        "champion",
        model.value,
        (1 - tolerance) * champion.recall,
        f"recall@{k} {model.value:.4f} against {1 - tolerance:g} x {champion.recall:.4f} of {champion.publication_id}",
    )
    return [against_popularity, against_champion]


def judge_index(index_name: str, recall: float | None, settings: Settings) -> GateDecision:
    """Compare an index's recall@k against exact search with the floor; None where there was nothing to query."""
    gate, floor = f"{index_name}_recall", settings.index_recall_floor
    if recall is None:
        return GateDecision(gate, "skipped", "nothing to query the index with")
    return _at_least(gate, recall, floor, f"recall@{settings.metric_k} {recall:.4f} against a floor of {floor:g}")


def refuse_if_any(decisions: Sequence[GateDecision]) -> None:
    """Let the night go on if no gate refused.

    Raises:
        GateRefused: names every gate that refused, with its figures.
    """
    refused = [f"{each.gate} ({each.reason})" for each in decisions if each.verdict == "refused"]
    if refused:
        raise GateRefused(f"not published, refused by gate {'; '.join(refused)}")


def _at_least(gate: str, measured: float, threshold: float, reason: str) -> GateDecision:
    # A nan on either side compares as false: what could not be measured is refused, and not stored as a number.
    verdict: bool = measured >= threshold
    return GateDecision(gate, "passed" if verdict else "refused", reason, _finite(measured), _finite(threshold))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
