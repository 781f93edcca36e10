"""May the challenger be the recipe in force? Both trained without the night's holdout and judged on it.

Pure: figures in, verdict out, by the gate that every night has to pass.
"""

from collections.abc import Mapping

from ml.evaluation import BASELINE, MODEL, Metric
from ml.gate import Champion, judge_model
from ml.tuning.trial import Judged
from warehouse.gate_decisions import GateDecision
from warehouse.settings import Settings


def judge_challenger(judged: Mapping[str, Judged], rival: str, settings: Settings) -> list[GateDecision]:
    """Compare the challenger with popularity and with the recipe in force, which it may not fall behind at all.

    Args:
        judged: challenger, in_force and popularity, on one holdout.
        rival: the recipe in force, in words.
        settings: cut-off and margins.
    """
    metrics = [_recall(MODEL, judged["challenger"], settings), _recall(BASELINE, judged["popularity"], settings)]
    # A night tolerates a bad day of its data; here both sides have the same.
    strict = settings.model_copy(update={"gate_champion_tolerance": 0.0})
    return judge_model(metrics, Champion(rival, judged["in_force"].recall), strict)


def in_words(decisions: list[GateDecision]) -> tuple[str, str]:
    """Return passed or refused, and the reasons."""
    passed = all(each.verdict == "passed" for each in decisions)
    return "passed" if passed else "refused", "; ".join(f"{each.gate}: {each.reason}" for each in decisions)


def _recall(model: str, judged: Judged, settings: Settings) -> Metric:
    return Metric(model, "all", "recall", settings.metric_k, judged.recall, len(judged.recalls))
