"""Decides whether a run's model is good enough to publish: against popularity, and against the champion.

Pure: figures in, verdicts out. Used by the stage gate_model, which records the verdicts. The reasons for these gates
are in docs/decisions/champion.md.
"""

from dataclasses import replace

import numpy as np

from ml.evaluation.evaluate import BASELINE, CHAMPION, MODEL
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.gates.index_gate import at_least, finite
from nightjar.contract.gates import GateDecision, gates_of
from nightjar.contract.settings import Settings

# With four users even the sign of all four differences is chance in one of sixteen cases.
MIN_USERS = 5
_METRICS = ("recall", "ndcg")


def judge_model(results: EvaluationResults, settings: Settings) -> list[GateDecision]:
    """Compare the model with the popularity baseline, the refit of the champion, its record and its coverage."""
    users = len(results.of_users[MODEL]["recall"])
    if users < MIN_USERS:
        reason = f"{users or 'no'} user{'s' * (users != 1)} with a holdout: too little data to judge"
        return [GateDecision(gate, "skipped", reason) for gate in gates_of("model")]
    return [
        _paired("popularity", results, BASELINE, settings.gate_popularity_margin, "popularity's", settings),
        _against_champion(results, settings),
        _against_record(results, settings),
        _coverage(results, settings),
    ]


def _paired(
    gate: str, results: EvaluationResults, compared: str, share: float, name: str, settings: Settings
) -> GateDecision:
    """Refuse a model that is significantly below a fraction of the compared model in one of the metrics.

    The interval is that of the mean difference over users, `model - share * compared`. Each of two metrics refuses at
    one end of a two-sided interval, so that both together refuse an equal model as rarely as one interval misses.
    """
    ours, theirs = results.of_users[MODEL], results.of_users[compared]
    differences = np.column_stack([ours[metric] - share * theirs[metric] for metric in _METRICS])
    intervals = mean_intervals(differences, settings.gate_confidence, settings.seed)
    is_ahead = [high >= 0 for _, high in intervals]
    decisive = is_ahead.index(False) if False in is_ahead else 0
    k, (low, high) = settings.metric_k, intervals[decisive]
    words = [
        f"{metric}@{k} {ours[metric].mean():.4f} against {share:g} x {name} {theirs[metric].mean():.4f}, "
        f"difference {bottom:+.4f} to {top:+.4f}"
        for metric, (bottom, top) in zip(_METRICS, intervals, strict=True)
    ]
    metric = _METRICS[decisive]
    return GateDecision(
        gate,
        "passed" if all(is_ahead) else "refused",
        "; ".join([*words, f"{len(differences):,} users"]),
        finite(ours[metric].mean()),
        finite(share * theirs[metric].mean()),
        f"{metric}@{k}",
        finite(low),
        finite(high),
    )


def _against_champion(results: EvaluationResults, settings: Settings) -> GateDecision:
    compared = results.compared_champion
    if compared is None:
        return GateDecision("champion", "skipped", "no publication of an earlier date")
    name = compared.champion.publication_id
    if compared.obstacle:
        reason = f"the configuration of {name} cannot be refitted: {compared.obstacle}"
        return GateDecision("champion", "skipped", reason)
    if not compared.changed_configuration:
        reason = f"the configuration of {name}{_features(compared)}: nothing to compare"
        return GateDecision("champion", "passed", reason)
    share = 1 - settings.gate_champion_tolerance
    verdict = _paired("champion", results, CHAMPION, share, f"the refit of {name}'s", settings)
    changes = f" ({', '.join(compared.changed_configuration)}{_features(compared)})"
    return replace(verdict, reason=verdict.reason + changes)


def _features(compared: ComparedChampion) -> str:
    return f", on other features: {', '.join(compared.changed_features)}" if compared.changed_features else ""


def _against_record(results: EvaluationResults, settings: Settings) -> GateDecision:
    gate, compared = "champion_record", results.compared_champion
    if compared is None:
        return GateDecision(gate, "skipped", "no publication of an earlier date")
    name, k, recorded = compared.champion.publication_id, settings.metric_k, compared.champion.recall
    if recorded is None:
        return GateDecision(gate, "skipped", f"{name} has no recall@{k}")
    if compared.changed_protocol:
        return GateDecision(gate, "skipped", f"{name} had another holdout: {', '.join(compared.changed_protocol)}")
    share, recall = 1 - settings.gate_record_tolerance, float(results.of_users[MODEL]["recall"].mean())
    words = f"recall@{k} {recall:.4f} against {share:g} x {recorded:.4f} that {name} had on its own run"
    return at_least(gate, f"recall@{k}", recall, share * recorded, words)


def _coverage(results: EvaluationResults, settings: Settings) -> GateDecision:
    # Coverage grows with the users and falls with the items of a run: only that on the same holdout is comparable.
    k, floor, theirs = settings.metric_k, settings.gate_coverage_floor, results.coverage.get(CHAMPION)
    ours, share = results.coverage[MODEL], 1 - settings.gate_coverage_tolerance
    against = [(floor, f"a floor of {floor:g}")] if floor > 0 else []
    if theirs is not None:
        against.append((share * theirs, f"{share:g} x {theirs:.4f} of the refit of the champion"))
    if not against:
        reason = "no other model on this holdout, and NIGHTJAR_GATE_COVERAGE_FLOOR is 0"
        return GateDecision("coverage", "skipped", reason, finite(ours), None, f"coverage@{k}")
    threshold, words = max(against)
    return at_least("coverage", f"coverage@{k}", ours, threshold, f"coverage@{k} {ours:.4f} against {words}")
