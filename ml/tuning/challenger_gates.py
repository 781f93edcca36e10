"""Gates of a challenger: may it replace the configuration in force? Both fitted without the run's holdout.

Pure: metrics in, verdicts out. The gates are those of every run, and one more: a significant gain.
"""

from collections.abc import Mapping

from ml.evaluation.champion import Champion
from ml.evaluation.evaluate import BASELINE, CHAMPION, MODEL
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.gates.index_gate import finite
from ml.gates.model_gate import judge_model
from ml.tuning.trial_fit import ListMetrics
from nightjar.contract.gates import GateDecision
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import TunedConfiguration, tunable_values

CHALLENGER, IN_FORCE, POPULARITY = "challenger", "in_force", "popularity"
_ROLES = {CHALLENGER: MODEL, IN_FORCE: CHAMPION, POPULARITY: BASELINE}


def gate_challenger(
    metrics: Mapping[str, ListMetrics],
    challenger: TunedConfiguration,
    in_force: TunedConfiguration,
    settings: Settings,
) -> list[GateDecision]:
    """Compare the challenger with popularity and with the configuration in force.

    Args:
        metrics: of challenger, in_force and popularity, on one holdout.
        challenger: the configuration of the first.
        in_force: the configuration of the second.
        settings: of the home; margins, tolerances and confidence of the gates.
    """
    before = tunable_values(in_force.over(settings))
    changes = [f"{name} {before[name]:g}, now {value:g}" for name, value in challenger.values.items()]
    results = EvaluationResults(
        of_users={_ROLES[name]: each.of_users for name, each in metrics.items()},
        coverage={_ROLES[name]: each.coverage for name, each in metrics.items()},
        compared_champion=ComparedChampion(Champion(in_force.label, "", None), changed_configuration=changes),
    )
    return [*judge_model(results, settings), _gain(metrics, in_force, settings)]


def verdict_and_reason(decisions: list[GateDecision]) -> tuple[str, str]:
    """Return passed or refused, and the reasons; of a refusal only those of the gates that refused."""
    refused = [each for each in decisions if each.verdict == "refused"]
    shown = refused or [each for each in decisions if each.verdict == "passed"]
    return "refused" if refused else "passed", " | ".join(f"{each.gate}: {each.reason}" for each in shown)


def _gain(metrics: Mapping[str, ListMetrics], in_force: TunedConfiguration, settings: Settings) -> GateDecision:
    # A run passes the other gates unless it is significantly worse, or no run would be published. To stay costs
    # nothing, and the winner of many trials is often lucky: a challenger has to be significantly better.
    ours, theirs, k = metrics[CHALLENGER], metrics[IN_FORCE], settings.metric_k
    differences = (ours.of_users["recall"] - theirs.of_users["recall"])[:, None]
    low, high = mean_intervals(differences, settings.gate_confidence, settings.seed)[0]
    return GateDecision(
        "gain",
        "passed" if low > 0 else "refused",
        f"recall@{k} {ours.mean('recall'):.4f} beside {theirs.mean('recall'):.4f} of {in_force.label}, "
        f"difference {low:+.4f} to {high:+.4f}",
        ours.mean("recall"),
        theirs.mean("recall"),
        f"recall@{k}",
        finite(low),
        finite(high),
    )
