"""Shared by the pages of measured figures: differences with intervals, tables of choices, bars of recall."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation.paired_bootstrap import mean_intervals
from nightjar.contract.settings import Settings
from nightjar.contract.settings.registry import registered

Models = Mapping[str, Mapping[str, Any]]
METRICS = {"recall": "recall@10", "ndcg": "NDCG@10"}


def difference(models: Models, ours: str, peer: str, metric: str) -> str:
    """Return the difference of a model from a peer in words, with the 95 % interval of its mean over users."""
    theirs = models[peer][metric]
    ratio = f"{models[ours][metric] / theirs - 1:+.1%}" if theirs > 0 else "from nothing"
    differences = np.subtract(models[ours]["by_user"][metric], models[peer]["by_user"][metric])
    low, high = mean_intervals(differences[:, None], 0.95, seed=1)[0]
    return f"{METRICS[metric]} {ratio} ({low:+.4f} to {high:+.4f})"


def choice_table(figures: Mapping[str, Models], what: str, *of_settings: str) -> str:
    """Return the choice of each model, and the defaults of the settings whose names hold one of the parts, if any."""
    rows = [f"| data set, {what} | model | choice |", "|---|---|---|"]
    for title, models in figures.items():
        for model, figures_of_model in models.items():
            if figures_of_model.get("choice"):
                choice = ", ".join(f"{name} {_in_short(value)}" for name, value in figures_of_model["choice"].items())
                rows.append(f"| {title} | {model} | {choice} |")
    if not of_settings:
        return "\n".join(rows)
    fields = [(each.name, each.field) for each in registered(Settings)]
    shown = [(name, field.default) for name, field in fields if any(part in name for part in of_settings)]
    ours = ", ".join(f"{name} {_in_short(value)}" for name, value in shown)
    return "\n".join([*rows, f"| all | Nightjar's defaults | {ours} |"])


def _in_short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def draw_recall(panel: Axes, models: Models, ours: str, title: str) -> None:
    """Draw recall@10 as bars, the best on top, ours and what begins with its name in another colour."""
    names = sorted(models, key=lambda model: float(models[model]["recall"]))
    colours = ["#3b4cc0" if name.startswith(ours) else "#b0b0b0" for name in names]
    panel.barh(names, [models[name]["recall"] for name in names], color=colours)
    panel.set_title(title, fontsize=9)
    panel.set_xlabel("recall@10", fontsize=8)
    panel.tick_params(labelsize=7)


def save(figure: Figure, path: Path) -> None:
    """Write a plot; without the version stamp of matplotlib, equal figures are equal files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
