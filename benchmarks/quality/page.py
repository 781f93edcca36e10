"""Writes docs/quality.md and its plot from the measured figures; no number is typed by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.pages import METRICS, Models, choice_table, difference, draw_recall, save
from benchmarks.quality.measure import DEFAULTS, NIGHTJAR

Figures = Mapping[str, Models]
_HEAD = """# Quality of the published recommendations

`make bench-quality DATA="folder folder"` writes this page: one split and one metric code for all. Nightjar's
recommendations ("published lists" in the tables) are read from `recs.recommendations_current` after `nightjar run` on
the training part alone. Its peers are each tuned on a validation window, which is the protocol applied once more to the
training part. On the same window Nightjar chooses one setting, by recommendations that it publishes from the events
before it: `NIGHTJAR_RECENCY_RANK_POWER` of 2, the default, or of 0, which weighs old events as much as new ones, as a
peer's recency is chosen too. Recommendations by the default settings have a row of their own. The settings of the blend
(`NIGHTJAR_COOCCURRENCE_*`) were chosen once on the windows of the first two protocols, of both data sets, and are the
same everywhere. Older defaults (recency rank power 2, learning rate 0.02, 50 negatives, features as they are) come from
comparisons on the test part of ml-100k's first protocol, so that one figure is not wholly blind to them. A cut in time
evaluates few users; the tables show how many. Intervals hold the mean over users of the difference with 95 % confidence
(paired bootstrap, as in the gates of a run).

recall@10 divides by min(10, size of the truth); NDCG@10 has binary gains; coverage is the fraction of all items that
stand in some top-10 list. Every event counts as positive, and no list holds an item of its user's training part. Before
it measures, the command compares the metric code with ranx on random input (`tests/unit/benchmarks`). "recency" weighs
a user's n-th of N events by (n/N)^power, as Nightjar does.
"""
_ABLATIONS = """## Ablations

recall@10 and NDCG@10 on warm users and items of a window inside the training part of the first protocol (the holdout of
the run), with one thing changed at a time. The settings of the blend were chosen on much the same window, so the first
row is a little flattered; what counts is how far the others fall. The cold items of the holdout compete too and are
misses here, so that what ranks new items well, their features above all, may lose by it.
"""


def write_page(figures: Figures, ablations: Figures, page: Path) -> None:
    """Write the page.

    Args:
        figures: by "data set, protocol" and model.
        ablations: by data set and name.
        page: the file; its plot goes to `images/` beside it.
    """
    parts = [_HEAD]
    for title, models in figures.items():
        users = models[NIGHTJAR]["users"]
        parts += [f"## {title}\n\n{users:,} users are evaluated. {_verdict(models)}\n", _table(models), ""]
    parts += ["![recall@10 of each model](images/quality.png)\n", _ABLATIONS, _ablation_table(ablations), ""]
    parts += ["## What validation chose\n", choice_table(figures, "protocol", "cooccurrence"), ""]
    page.write_text("\n".join(parts), encoding="utf-8")
    _draw(figures, page.parent / "images" / "quality.png")


def _verdict(models: Models) -> str:
    differences = []
    peers = [model for model in models if model not in (NIGHTJAR, DEFAULTS)]
    for metric in METRICS:
        best = max(peers, key=lambda peer: float(models[peer][metric]))
        differences.append(f"{difference(models, NIGHTJAR, best, metric)} against the best peer, {best}")
    return f"Nightjar: {'; '.join(differences)}."


def _table(models: Models) -> str:
    rows = ["| model | recall@10 | NDCG@10 | coverage |", "|---|---|---|---|"]
    best = {metric: max(float(each[metric]) for each in models.values()) for metric in ("recall", "ndcg", "coverage")}
    for model, of_model in sorted(models.items(), key=lambda each: float(each[1]["recall"])):
        cells = [
            f"**{of_model[metric]:.4f}**" if of_model[metric] == best[metric] else f"{of_model[metric]:.4f}"
            for metric in best
        ]
        rows.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _ablation_table(ablations: Figures) -> str:
    names = list(ablations)
    rows = [
        f"| ablation | {' | '.join(f'{name}: recall@10 | NDCG@10' for name in names)} |",
        f"|---|{'---|' * (2 * len(names))}",
    ]
    for ablation in next(iter(ablations.values())):
        cells = [f"{ablations[name][ablation][metric]:.4f}" for name in names for metric in ("recall", "ndcg")]
        rows.append(f"| {ablation} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _draw(figures: Figures, path: Path) -> None:
    figure = Figure(figsize=(12, 3.2 * ((len(figures) + 2) // 3)), layout="constrained")
    panels = np.atleast_1d(figure.subplots((len(figures) + 2) // 3, min(3, len(figures)), squeeze=False)).ravel()
    for panel, (title, models) in zip(panels, figures.items(), strict=False):
        draw_recall(panel, models, NIGHTJAR, f"{title} ({models[NIGHTJAR]['users']:,} users)")
    save(figure, path)
