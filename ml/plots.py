"""The figures of one run: training curve, metrics beside the baseline, how exposure spreads over the items.

Each function writes one PNG; used by the stage evaluate_model, which logs them with the run.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.evaluation import BASELINE, CHAMPION, CONSUMED, LIST_METRICS, MODEL, Metric
from ml.holdout_slices import SLICES
from ml.popularity_curve import CurvePoint

_COLOURS = {MODEL: "#3b4cc0", BASELINE: "#b0b0b0", CHAMPION: "#d08c2f", CONSUMED: "#4c9a5b"}


def training_curve(recalls: Sequence[float], k: int, path: Path) -> None:
    """Draw recall@k on a sample of the holdout after each epoch."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(recalls) + 1), recalls, marker=".", color=_COLOURS[MODEL])
    axes.set(xlabel="epoch", ylabel=f"recall@{k}", title="Recall on a sample of the holdout", ylim=(0, None))
    save(figure, path)


def metric_bars(metrics: Sequence[Metric], path: Path) -> None:
    """Draw each list metric as bars, the model beside the baseline, one panel a slice."""
    values = {(row.slice, row.metric, row.model): row for row in metrics}
    figure = Figure(figsize=(12, 4), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, len(SLICES), sharey=True)
    places = np.arange(len(LIST_METRICS))
    for panel, name in zip(panels, SLICES, strict=True):
        for offset, model in ((-0.2, MODEL), (0.2, BASELINE)):
            heights = np.nan_to_num([values[name, metric, model].value for metric in LIST_METRICS])
            panel.bar(places + offset, heights, width=0.4, color=_COLOURS[model], label=model)
        users = values[name, "recall", MODEL].users
        panel.set_title(f"{name} ({users:,} users)")
        panel.set_xticks(places, list(LIST_METRICS), rotation=45, ha="right")
    panels[0].legend()
    save(figure, path)


def exposure_lorenz(exposures: Mapping[str, NDArray[np.int64]], path: Path) -> None:
    """Draw which share of all list places goes to which share of the items, from the least shown."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    for model, counts in exposures.items():
        shares = np.concatenate([[0.0], np.sort(counts).cumsum() / max(1, counts.sum())])
        axes.plot(np.linspace(0, 1, len(shares)), shares, color=_COLOURS[model], label=model)
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="even")
    axes.set(xlabel="share of items, least shown first", ylabel="share of list places", title="Exposure")
    axes.legend()
    save(figure, path)


def popularity_trade_off(points: Sequence[CurvePoint], k: int, path: Path) -> None:
    """Draw recall@k against coverage@k while popularity is dialled down; each point names its weight."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    coverages, recalls = [point.coverage for point in points], [point.recall for point in points]
    axes.plot(coverages, recalls, marker="o", color=_COLOURS[MODEL])
    for point in points:
        axes.annotate(f"{point.weight:g}", (point.coverage, point.recall), textcoords="offset points", xytext=(6, 4))
    axes.set(xlabel=f"coverage@{k}", ylabel=f"recall@{k}", title="Lists by popularity_weight")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the version stamp of matplotlib, equal figures are equal files.
    figure.savefig(path, dpi=100, metadata={"Software": None})
