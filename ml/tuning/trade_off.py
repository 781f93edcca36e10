"""Recall against coverage: the trials that no other dominates, and a plot of them all.

Pure but for the PNG; used by the stage tune_model.
"""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ml.evaluation.plots import save
from ml.tuning.trials import Trial

_TRIAL, _FRONT, _FIRST, _WINNER = "#b0b0b0", "#3b4cc0", "#222222", "#c03b3b"


def pareto_front(trials: Sequence[Trial]) -> list[Trial]:
    """Return the complete trials that no other dominates, by rising recall.

    A trial dominates another when it is at least as good in recall and coverage and better in one.
    """
    front: list[Trial] = []
    best_coverage = -1.0
    for each in sorted(_complete(trials), key=lambda each: (-each.recall, -each.coverage, each.number)):
        if each.coverage > best_coverage:
            front.append(each)
            best_coverage = each.coverage
    return front[::-1]


def draw_trade_off(trials: Sequence[Trial], winner: Trial, k: int, path: Path) -> None:
    """Draw recall@k against coverage@k of each complete trial; mark the front, what is in force and the winner."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    complete, front = _complete(trials), pareto_front(trials)
    axes.scatter(*_places(complete), color=_TRIAL, label=f"{len(complete)} trials")
    axes.plot(*_places(front), color=_FRONT, marker="o", label="Pareto front")
    axes.scatter(*_places(complete[:1]), color=_FIRST, marker="s", zorder=3, label="in force")
    axes.scatter(*_places([winner]), color=_WINNER, marker="*", s=160, zorder=3, label=f"trial {winner.number}")
    for each in front:
        axes.annotate(str(each.number), (each.coverage, each.recall), textcoords="offset points", xytext=(5, 5))
    axes.set(xlabel=f"coverage@{k}", ylabel=f"recall@{k}", title="Trials on the validation window")
    axes.legend()
    save(figure, path)


def _complete(trials: Sequence[Trial]) -> list[Trial]:
    return [each for each in trials if each.fitted]


def _places(trials: Sequence[Trial]) -> tuple[list[float], list[float]]:
    return [each.coverage for each in trials], [each.recall for each in trials]
