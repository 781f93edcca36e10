"""Decides whether a run's model is good enough to publish: against popularity, and against the champion.

Pure: figures in, verdicts out. Used by the stage gate_model, which records the verdicts. docs/decisions/champion.md
says why a model is judged so.
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


def judge_model(contest: EvaluationResults, settings: Settings) -> list[GateDecision]:
    """Compare the model with the popularity baseline, the champion's recipe, its record and its coverage."""
    users = len(contest.of_users[MODEL]["recall"])
    if users < MIN_USERS:
        reason = f"{users or 'no'} user{'s' * (users != 1)} with a holdout: too little data to judge"
        return [GateDecision(gate, "skipped", reason) for gate in gates_of("model")]
    return [
        _paired("popularity", contest, BASELINE, settings.gate_popularity_margin, "popularity's", settings),
        _against_champion(contest, settings),
        _against_record(contest, settings),
        _coverage(contest, settings),
    ]


def _paired(
    gate: str, contest: EvaluationResults, rival: str, share: float, name: str, settings: Settings
) -> GateDecision:
    """Refuse a model that is surely below a share of its rival in one of the metrics.

    The interval is that of the mean lead over users, `model - share * rival`. Each of two metrics refuses at one end
    of a two-sided interval, so that both together refuse an equal model at most as often as one interval misses.
    """
    ours, theirs = contest.of_users[MODEL], contest.of_users[rival]
    leads = np.column_stack([ours[metric] - share * theirs[metric] for metric in _METRICS])
    intervals = mean_intervals(leads, settings.gate_confidence, settings.seed)
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
        "; ".join([*words, f"{len(leads):,} users"]),
        finite(ours[metric].mean()),
        finite(share * theirs[metric].mean()),
        f"{metric}@{k}",
        finite(low),
        finite(high),
    )


def _against_champion(contest: EvaluationResults, settings: Settings) -> GateDecision:
    opponent = contest.compared_champion
    if opponent is None:
        return GateDecision("champion", "skipped", "no publication of an earlier date")
    name = opponent.champion.publication_id
    if opponent.obstacle:
        return GateDecision("champion", "skipped", f"the recipe of {name} cannot be tried: {opponent.obstacle}")
    if not opponent.changed_configuration:
        return GateDecision("champion", "passed", f"the recipe of {name}{_features(opponent)}: nothing to compare")
    share = 1 - settings.gate_champion_tolerance
    verdict = _paired("champion", contest, CHAMPION, share, f"that of {name}'s recipe,", settings)
    changes = f" ({', '.join(opponent.changed_configuration)}{_features(opponent)})"
    return replace(verdict, reason=verdict.reason + changes)


def _features(opponent: ComparedChampion) -> str:
    return f", on other features: {', '.join(opponent.changed_features)}" if opponent.changed_features else ""


def _against_record(contest: EvaluationResults, settings: Settings) -> GateDecision:
    gate, opponent = "champion_record", contest.compared_champion
    if opponent is None:
        return GateDecision(gate, "skipped", "no publication of an earlier date")
    name, k, recorded = opponent.champion.publication_id, settings.metric_k, opponent.champion.recall
    if recorded is None:
        return GateDecision(gate, "skipped", f"{name} has no recall@{k}")
    if opponent.changed_protocol:
        return GateDecision(gate, "skipped", f"{name} had another holdout: {', '.join(opponent.changed_protocol)}")
    share, recall = 1 - settings.gate_record_tolerance, float(contest.of_users[MODEL]["recall"].mean())
    words = f"recall@{k} {recall:.4f} against {share:g} x {recorded:.4f} that {name} had on its own run"
    return at_least(gate, f"recall@{k}", recall, share * recorded, words)


def _coverage(contest: EvaluationResults, settings: Settings) -> GateDecision:
    # Coverage grows with the users and falls with the items of a night: only that on the same holdout is comparable.
    k, floor, theirs = settings.metric_k, settings.gate_coverage_floor, contest.coverage.get(CHAMPION)
    ours, share = contest.coverage[MODEL], 1 - settings.gate_coverage_tolerance
    against = [(floor, f"a floor of {floor:g}")] if floor > 0 else []
    if theirs is not None:
        against.append((share * theirs, f"{share:g} x {theirs:.4f} of the champion's recipe"))
    if not against:
        reason = "no other recipe on this holdout, and NIGHTJAR_GATE_COVERAGE_FLOOR is 0"
        return GateDecision("coverage", "skipped", reason, finite(ours), None, f"coverage@{k}")
    threshold, words = max(against)
    return at_least("coverage", f"coverage@{k}", ours, threshold, f"coverage@{k} {ours:.4f} against {words}")
