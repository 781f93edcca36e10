"""The figures of the night's report that are drawn from what the warehouse and the contest hold.

Each returns a figure, or None where there is nothing to draw; used by `nightjar/reporting/report.py`.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.evaluation.evaluate import BASELINE, CHAMPION, CONSUMED, LIST_METRICS, MODEL
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.plots import COLOURS
from ml.evaluation.results import EvaluationResults
from nightjar.contract.settings import Settings

_TENTHS = 10


def leads(contest: EvaluationResults, settings: Settings) -> Figure | None:
    """Draw how far the model lies before popularity and the champion's recipe, each metric with its interval.

    Nothing where there is nobody to compare them on.
    """
    rivals = [name for name in (BASELINE, CHAMPION) if name in contest.of_users]
    if MODEL not in contest.of_users or not rivals or not len(_leads(contest, rivals[0])):
        return None
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for offset, rival in enumerate(rivals):
        measured = _leads(contest, rival)
        intervals = mean_intervals(measured, settings.gate_confidence, settings.seed)
        means, places = measured.mean(axis=0), np.arange(len(LIST_METRICS)) + 0.25 * offset
        reach = np.abs(np.nan_to_num(intervals - means[:, None], posinf=0, neginf=0)).T
        axes.errorbar(means, places, xerr=reach, fmt="o", capsize=4, color=COLOURS[rival], label=f"against {rival}")
    axes.axvline(0, color="black", linewidth=1, linestyle=":")
    axes.set_yticks(np.arange(len(LIST_METRICS)) + 0.125 * (len(rivals) - 1), list(LIST_METRICS))
    axes.invert_yaxis()
    axes.set(xlabel="lead, mean over users", title=f"Lead of the model, {settings.gate_confidence:.0%} interval")
    axes.legend(loc="best")
    return figure


def event_volume(days: Sequence[tuple[date, int]]) -> Figure | None:
    """Draw the events of each day; a day without events is a gap."""
    if not days:
        return None
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    places = [float(date2num(day)) for day, _ in days]
    axes.bar(places, [float(count) for _, count in days], color=COLOURS[MODEL], width=0.8)
    # A few days are as slim as many.
    axes.set_xlim(min(places[0], places[-1] - 13) - 1, places[-1] + 1)
    axes.xaxis_date()
    axes.set(ylabel="events", title="Events by day")
    axes.tick_params(axis="x", rotation=30)
    return figure


def popularity_tenths(reach: Sequence[tuple[int, int]]) -> Figure | None:
    """Draw which share of the lists' places, and of the events, falls on each tenth of the items by popularity.

    Args:
        reach: events and lists of each item, the item with the most events first.
    """
    figures = np.array(reach, dtype=np.float64).reshape(-1, 2)
    if len(figures) < _TENTHS or not figures.sum(axis=0).all():
        return None
    shares = tenths(figures)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(_TENTHS)
    for offset, column, name, label in ((-0.2, 1, MODEL, "recommended"), (0.2, 0, CONSUMED, "consumed")):
        axes.bar(places + offset, 100 * shares[:, column], width=0.4, color=COLOURS[name], label=label)
    axes.set_xticks(places, [str(place + 1) for place in places])
    axes.set(xlabel="tenth of the items, 1 has the most events", ylabel="share, %", title="Popularity of what is shown")
    axes.legend()
    return figure


def tenths(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum (items, columns) by tenths of the rows: (10, columns) shares of each column's sum."""
    sums: NDArray[np.float64] = np.array([part.sum(axis=0) for part in np.array_split(figures, _TENTHS)])
    shares: NDArray[np.float64] = sums / sums.sum(axis=0)
    return shares


def _leads(contest: EvaluationResults, rival: str) -> NDArray[np.float64]:
    ours, theirs = contest.of_users[MODEL], contest.of_users[rival]
    measured = np.column_stack([ours[metric] - theirs[metric] for metric in LIST_METRICS])
    return measured[np.isfinite(measured).all(axis=1)]
