"""The plots of one run: training curve, metrics of the compared models, exposure over the items, the indices.

Each function writes one PNG; used by the stages evaluate_model, which logs them with the run, and build_indices.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml.evaluation.evaluate import BASELINE, CHAMPION, CONSUMED, LIST_METRICS, MODEL, Metric
from ml.evaluation.holdout_slices import SLICES
from ml.evaluation.popularity_curve import CurvePoint
from ml.index.index_recall import IndexQuality

COLOURS = {MODEL: "#3b4cc0", BASELINE: "#b0b0b0", CHAMPION: "#d08c2f", CONSUMED: "#4c9a5b"}


# A smaller gain in recall gets no label.
_LEAST_GAIN = 0.003


def training_curve(recalls: Sequence[float], k: int, path: Path) -> None:
    """Draw recall@k on a sample of the holdout after each epoch."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, len(recalls) + 1), recalls, marker=".", color=COLOURS[MODEL])
    axes.set(xlabel="epoch", ylabel=f"recall@{k}", title="Recall on a sample of the holdout", ylim=(0, None))
    save(figure, path)


def metric_bars(metrics: Sequence[Metric], path: Path) -> None:
    """Draw each list metric as bars, of the model, popularity and the champion if any, one panel a slice."""
    values = {(row.slice, row.metric, row.model): row for row in metrics}
    figure = Figure(figsize=(12, 4), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, len(SLICES), sharey=True)
    places = np.arange(len(LIST_METRICS))
    evaluated = {row.model for row in metrics if row.metric in LIST_METRICS}
    models = [model for model in (MODEL, BASELINE, CHAMPION) if model in evaluated]
    for panel, name in zip(panels, SLICES, strict=True):
        for place, model in enumerate(models):
            heights = np.nan_to_num([values[name, metric, model].value for metric in LIST_METRICS])
            offset = (place - (len(models) - 1) / 2) * 0.8 / len(models)
            panel.bar(places + offset, heights, width=0.8 / len(models), color=COLOURS[model], label=model)
        users = values[name, "recall", MODEL].users
        panel.set_title(f"{name} ({users:,} users)")
        panel.set_xticks(places, list(LIST_METRICS), rotation=45, ha="right")
    panels[0].legend()
    save(figure, path)


def source_bars(of_sources: Sequence[Metric], metrics: Sequence[Metric], path: Path) -> None:
    """Draw the recall of each source alone below that of the model, one panel for all users and one for cold items.

    A source without a value has no bar; a panel without sources is left out.
    """
    shown = {
        name: sorted((row for row in of_sources if (row.slice, row.metric) == (name, "recall")), key=_rising)[::-1]
        for name in ("all", "cold_item")
    }
    shown = {name: rows for name, rows in shown.items() if rows}
    most = 1 + max((len(rows) for rows in shown.values()), default=0)
    figure = Figure(figsize=(1 + 4 * max(1, len(shown)), 1.2 + 0.4 * most), layout="constrained")
    for panel, (name, rows) in zip(
        figure.subplots(1, max(1, len(shown)), squeeze=False)[0], shown.items(), strict=False
    ):
        model = [row for row in metrics if (row.slice, row.metric, row.model) == (name, "recall", MODEL)]
        bars = model + rows
        values = [float(np.nan_to_num(row.value)) for row in bars]
        colours = [COLOURS[MODEL if row.model == MODEL else BASELINE] for row in bars]
        drawn = panel.barh(np.arange(len(bars)), values, height=0.6, color=colours)
        labels = ["no value" if np.isnan(row.value) else f"{row.value:.3f}" for row in bars]
        panel.bar_label(drawn, labels, padding=3)
        panel.set_yticks(np.arange(len(bars)), [row.model for row in bars])
        # Bars of both panels are equally high.
        panel.set(ylim=(most - 0.5, -0.5), xlim=(0, 1.25 * max(values) or 1), xlabel=f"recall@{rows[0].k}")
        panel.set_title(f"Each source alone, {'cold items' if name == 'cold_item' else 'all users'}")
    save(figure, path)


def _rising(row: Metric) -> float:
    return float(np.nan_to_num(row.value, nan=-1))


def exposure_lorenz(exposures: Mapping[str, NDArray[np.int64]], path: Path) -> None:
    """Draw the Lorenz curve of exposure: fraction of recommendations by fraction of the items, least shown first."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    for model, counts in exposures.items():
        fractions = np.concatenate([[0.0], np.sort(counts).cumsum() / max(1, counts.sum())])
        axes.plot(np.linspace(0, 1, len(fractions)), fractions, color=COLOURS[model], label=model)
    axes.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1, label="even")
    axes.set(title="Exposure", xlabel="fraction of items, least shown first", ylabel="fraction of recommendations")
    axes.legend()
    save(figure, path)


def popularity_trade_off(points: Sequence[CurvePoint], k: int, path: Path) -> None:
    """Draw recall@k against coverage@k by popularity weight; each point names its weight."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    coverages, recalls = [point.coverage for point in points], [point.recall for point in points]
    axes.plot(coverages, recalls, marker="o", color=COLOURS[MODEL])
    for point in points:
        axes.annotate(f"{point.weight:g}", (point.coverage, point.recall), textcoords="offset points", xytext=(6, 4))
    axes.set(xlabel=f"coverage@{k}", ylabel=f"recall@{k}", title="Recommendations by popularity_weight")
    save(figure, path)


def index_recall(curves: Mapping[str, tuple[Sequence[IndexQuality], int]], path: Path) -> None:
    """Draw recall against median and 95th percentile of a query's time; points with a higher recall name their `ef`.

    Args:
        curves: for each index its quality by rising `ef`, and the `ef` in use.
        path: of the PNG.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for (name, (measured, used)), colour in zip(curves.items(), (COLOURS[MODEL], COLOURS[CHAMPION]), strict=False):
        points = [each for each in measured if each.recall is not None]
        recalls = [each.recall or 0.0 for each in points]
        medians, percentiles = (
            [each.latency_p50_ms or 0.0 for each in points],
            [each.latency_p95_ms or 0.0 for each in points],
        )
        axes.plot(medians, recalls, marker="o", markersize=4, color=colour, label=f"{name}, median")
        axes.plot(
            percentiles,
            recalls,
            marker="o",
            markersize=3,
            color=colour,
            linestyle=":",
            label=f"{name}, 95th percentile",
        )
        for place, (point, *at) in enumerate(zip(points, medians, recalls, strict=True)):
            if point.ef == used:
                axes.plot([at[0]], [at[1]], marker="o", markersize=11, fillstyle="none", color=colour)
            # Points without a gain lie side by side, and so would their labels.
            if place == 0 or at[1] - recalls[place - 1] > _LEAST_GAIN:
                axes.annotate(
                    f"ef {point.ef}",
                    (at[0], at[1]),
                    textcoords="offset points",
                    xytext=(7, -10),
                    fontsize=8,
                    color=colour,
                )
    axes.set(xlabel="milliseconds a query", ylabel="recall against exact search", title="Indices by ef", xlim=(0, None))
    if axes.lines:
        axes.legend()
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a plot as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(figure))


def png(figure: Figure) -> bytes:
    """Return a plot as PNG."""
    buffer = BytesIO()
    # Without the version stamp of matplotlib, equal figures are equal files.
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()
