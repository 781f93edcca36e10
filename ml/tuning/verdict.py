"""May the challenger be the recipe in force? Both trained without the night's holdout and judged on it.

Pure: figures in, verdicts out; by the gate that every night has to pass, and one more: a change needs a sure gain.
"""

from collections.abc import Mapping

from ml.evaluation.champion import Champion
from ml.evaluation.evaluate import BASELINE, CHAMPION, MODEL
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.results import ComparedChampion, EvaluationResults
from ml.gates.index_gate import finite
from ml.gates.model_gate import judge_model
from ml.tuning.trial import Judged
from nightjar.contract.gates import GateDecision
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import Recipe, values_of

CHALLENGER, IN_FORCE, POPULARITY = "challenger", "in_force", "popularity"
_ROLES = {CHALLENGER: MODEL, IN_FORCE: CHAMPION, POPULARITY: BASELINE}


def judge_challenger(
    judged: Mapping[str, Judged], challenger: Recipe, rival: Recipe, settings: Settings
) -> list[GateDecision]:
    """Compare the challenger with popularity and with the recipe in force.

    Args:
        judged: challenger, in_force and popularity, on one holdout.
        challenger: the recipe of the first.
        rival: the recipe of the second.
        settings: of the home; margins, tolerances and confidence of the gates.
    """
    before = values_of(rival.over(settings))
    changes = [f"{name} {before[name]:g}, now {value:g}" for name, value in challenger.values.items()]
    contest = EvaluationResults(
        of_users={_ROLES[name]: each.of_users for name, each in judged.items()},
        coverage={_ROLES[name]: each.coverage for name, each in judged.items()},
        compared_champion=ComparedChampion(Champion(rival.says(), "", None), changed_configuration=changes),
    )
    return [*judge_model(contest, settings), _gain(judged, rival, settings)]


def in_words(decisions: list[GateDecision]) -> tuple[str, str]:
    """Return passed or refused, and the reasons; of a refusal only those of the gates that refused."""
    refused = [each for each in decisions if each.verdict == "refused"]
    told = refused or [each for each in decisions if each.verdict == "passed"]
    return "refused" if refused else "passed", " | ".join(f"{each.gate}: {each.reason}" for each in told)


def _gain(judged: Mapping[str, Judged], rival: Recipe, settings: Settings) -> GateDecision:
    # The night's gate lets pass what is not surely behind, or no night would be published. A recipe that stays costs
    # nothing, and the winner of many trials is often lucky: it has to be surely ahead.
    ours, theirs, k = judged[CHALLENGER], judged[IN_FORCE], settings.metric_k
    leads = (ours.of_users["recall"] - theirs.of_users["recall"])[:, None]
    low, high = mean_intervals(leads, settings.gate_confidence, settings.seed)[0]
    return GateDecision(
        "gain",
        "passed" if low > 0 else "refused",
        f"recall@{k} {ours.mean('recall'):.4f} beside {theirs.mean('recall'):.4f} of {rival.says()}, "
        f"lead {low:+.4f} to {high:+.4f}",
        ours.mean("recall"),
        theirs.mean("recall"),
        f"recall@{k}",
        finite(low),
        finite(high),
    )
