"""Decides whether a run's indices are good enough to publish, and what all gates of ml share.

Pure: figures in, verdicts out. Used by the stages gate_model and build_indices, which record the verdicts.
"""

import math
from collections.abc import Sequence

from nightjar.contract.errors import GateRefused
from nightjar.contract.gates import GateDecision, recall_gate
from nightjar.contract.settings import Settings


def judge_index(index_name: str, recall: float | None, settings: Settings) -> GateDecision:
    """Compare an index's recall@k against exact search with the floor; None where there was nothing to query."""
    gate, floor, k = recall_gate(index_name), settings.index_recall_floor, settings.metric_k
    if recall is None:
        return GateDecision(gate, "skipped", "nothing to query the index with")
    return at_least(gate, f"recall@{k}", recall, floor, f"recall@{k} {recall:.4f} against a floor of {floor:g}")


def refuse_if_any(decisions: Sequence[GateDecision]) -> None:
    """Do nothing if no gate refused.

    Raises:
        GateRefused: names every gate that refused, with its figures.
    """
    refused = [each for each in decisions if each.verdict == "refused"]
    if refused:
        reasons = "; ".join(f"{each.gate} ({each.reason})" for each in refused)
        raise GateRefused(
            f"not published, refused by gate {reasons}",
            code="gate_refused",
            gate=refused[0].gate,
            verdicts={each.gate: each.verdict for each in refused},
        )


def at_least(gate: str, metric: str, measured: float, threshold: float, reason: str) -> GateDecision:
    """Pass what reaches the threshold."""
    # A nan on either side compares as false: what could not be measured is refused, and not stored as a number.
    verdict: bool = measured >= threshold
    return GateDecision(gate, "passed" if verdict else "refused", reason, finite(measured), finite(threshold), metric)


def finite(value: float) -> float | None:
    """Return the value as a table holds it: nothing where it is no number."""
    return float(value) if math.isfinite(value) else None
