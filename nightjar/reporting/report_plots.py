"""The figures of the run report that are drawn from the warehouse and the evaluation results.

Each returns a figure, or None where there is nothing to draw; used by `nightjar/reporting/report.py`.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ml.evaluation.evaluate import BASELINE, CHAMPION, CONSUMED, LIST_METRICS, MODEL
from ml.evaluation.item_labels import grey_first, item_labels
from ml.evaluation.item_map import item_map
from ml.evaluation.paired_bootstrap import mean_intervals
from ml.evaluation.plots import COLOURS
from ml.evaluation.results import EvaluationResults
from nightjar.contract.settings import Settings
from nightjar.reporting.item_space import EmbeddedItems
from nightjar.reporting.model_sources import ModelSource

_DECILES = 10


def model_differences(evaluation: EvaluationResults, settings: Settings) -> Figure | None:
    """Draw the model's difference to popularity and to the refit of the champion, each metric with its interval.

    None where the evaluation compares no models.
    """
    compared = [name for name in (BASELINE, CHAMPION) if name in evaluation.of_users]
    if MODEL not in evaluation.of_users or not compared or not len(_differences(evaluation, compared[0])):
        return None
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for offset, other in enumerate(compared):
        measured = _differences(evaluation, other)
        intervals = mean_intervals(measured, settings.gate_confidence, settings.seed)
        means, positions = measured.mean(axis=0), np.arange(len(LIST_METRICS)) + 0.25 * offset
        half_widths = np.abs(np.nan_to_num(intervals - means[:, None], posinf=0, neginf=0)).T
        axes.errorbar(
            means, positions, xerr=half_widths, fmt="o", capsize=4, color=COLOURS[other], label=f"against {other}"
        )
    axes.axvline(0, color="black", linewidth=1, linestyle=":")
    axes.set_yticks(np.arange(len(LIST_METRICS)) + 0.125 * (len(compared) - 1), list(LIST_METRICS))
    axes.invert_yaxis()
    axes.set(xlabel="difference, mean over users", title=f"Difference, {settings.gate_confidence:.0%} interval")
    axes.legend(loc="best")
    return figure


def weights_and_contributions(sources: Sequence[ModelSource]) -> Figure | None:
    """Draw weight and mean contribution of each source of the model, the first on top.

    Sources that were only evaluated have neither; without contributions the weights stand alone.
    """
    drawn = [each for each in sources if each.weight is not None]
    if not drawn:
        return None
    panels_of = {"weight": [each.weight or 0.0 for each in drawn]}
    if any(each.mean_contribution is not None for each in drawn):
        panels_of["mean contribution"] = [each.mean_contribution or 0.0 for each in drawn]
    figure = Figure(figsize=(1 + 3.5 * len(panels_of), 1.2 + 0.4 * len(drawn)), layout="constrained")
    panels = figure.subplots(1, len(panels_of), sharey=True, squeeze=False)[0]
    for panel, (title, values) in zip(panels, panels_of.items(), strict=True):
        bars = panel.barh(np.arange(len(drawn)), values, color=COLOURS[MODEL], height=0.6)
        panel.bar_label(bars, [f"{value:.2f}" for value in values], padding=3)
        panel.axvline(0, color="black", linewidth=1)
        panel.set_title(title)
        panel.margins(x=0.2)
    panels[0].set_yticks(np.arange(len(drawn)), [each.source for each in drawn])
    panels[0].invert_yaxis()
    return figure


def item_points(items: EmbeddedItems, publication_id: str, seed: int) -> Figure:
    """Draw items by their embeddings, near each other where these are alike; no axes, since they have no meaning."""
    coordinates = item_map(items.vectors, seed)
    labels, colours = item_labels(items.item_ids, items.values)
    order = grey_first(labels)
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    axes.scatter(
        coordinates[order, 0],
        coordinates[order, 1],
        s=min(14.0, 20_000 / len(order)),
        c=[colours[labels[place]] for place in order],
        alpha=0.75,
        linewidths=0,
    )
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    axes.set_title(f"Items of {publication_id} by their embeddings")
    handles = [Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in colours.items()]
    axes.legend(handles=handles, title=items.colours_by, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def event_volume(days: Sequence[tuple[date, int]]) -> Figure | None:
    """Draw the events of each day; a day without events stays empty."""
    if not days:
        return None
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    positions = [float(date2num(day)) for day, _ in days]
    axes.bar(positions, [float(count) for _, count in days], color=COLOURS[MODEL], width=0.8)
    # Bars of a few days are as narrow as those of many.
    axes.set_xlim(min(positions[0], positions[-1] - 13) - 1, positions[-1] + 1)
    axes.xaxis_date()
    axes.set(ylabel="events", title="Events by day")
    axes.tick_params(axis="x", rotation=30)
    return figure


def popularity_deciles(item_counts: Sequence[tuple[int, int]]) -> Figure | None:
    """Draw the proportion of the recommendations, and of the events, in each tenth of the items by popularity.

    Args:
        item_counts: events and recommendations of each item, the item with the most events first.
    """
    counts = np.array(item_counts, dtype=np.float64).reshape(-1, 2)
    if len(counts) < _DECILES or not counts.sum(axis=0).all():
        return None
    proportions = decile_proportions(counts)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    positions = np.arange(_DECILES)
    for offset, column, name, label in ((-0.2, 1, MODEL, "recommended"), (0.2, 0, CONSUMED, "consumed")):
        axes.bar(positions + offset, 100 * proportions[:, column], width=0.4, color=COLOURS[name], label=label)
    axes.set_xticks(positions, [str(position + 1) for position in positions])
    axes.set(
        xlabel="tenth of the items, 1 has the most events",
        ylabel="proportion, %",
        title="Popularity of the recommendations",
    )
    axes.legend()
    return figure


def decile_proportions(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum (items, columns) by tenths of the rows: (10, columns) proportions of each column's sum."""
    sums: NDArray[np.float64] = np.array([part.sum(axis=0) for part in np.array_split(counts, _DECILES)])
    proportions: NDArray[np.float64] = sums / sums.sum(axis=0)
    return proportions


def _differences(evaluation: EvaluationResults, other: str) -> NDArray[np.float64]:
    ours, theirs = evaluation.of_users[MODEL], evaluation.of_users[other]
    measured = np.column_stack([ours[metric] - theirs[metric] for metric in LIST_METRICS])
    return measured[np.isfinite(measured).all(axis=1)]
