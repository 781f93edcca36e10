"""Writes docs/quality.md and its plot from the measured figures; no measured number is typed by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.pages import METRICS, Models, choice_table, difference, draw_recall, save
from benchmarks.quality.measure import MIN_USERS, NIGHTJAR, WITH_SEQUENCE
from benchmarks.quality.neural_peers import EPOCHS, MOST_SCORES, NEURAL_PEERS
from benchmarks.quality.protocols import PROTOCOLS
from benchmarks.quality.published_marks import quoted
from benchmarks.quality.sessions.page import session_section
from nightjar.contract.settings import variable

Figures = Mapping[str, Models]
_HEAD = """# Quality of the published recommendations

`make bench-quality DATA="folder folder"` writes this page: one split and one metric code for all. Nightjar's
recommendations are read from `recs.recommendations_current` after `nightjar run` on the training part alone, with
default settings but for how a run holds events out:

{holdouts}

Its peers are each tuned on a validation window, which is the protocol applied once more to the training part, by the
highest recall@10 + NDCG@10; a run of Nightjar chooses on windows of its own. Events of one time stand in the order of
their event ids, for all models and in every split. Where many are equal, that order moves the figures of models that
go by the order of items, so that figures with another rule for ties are not comparable.{tied} Intervals hold the mean
over users of the difference with 95 % confidence (paired bootstrap, as in the gates of a run). A protocol that
evaluates fewer than {min_users} users has no table.

recall@10 divides by min(10, size of the truth); NDCG@10 has binary gains; coverage is the fraction of all items that
stand in some top-10 list; fit seconds are CPU seconds of the fit on the training part, on one core, without tuning: for
Nightjar the sum over the sources of its model. Every event counts as positive, and no list holds an item of its user's
training part. Before it measures, the command compares the metric code with ranx on random input
(`tests/unit/benchmarks`). Among a peer's choices `fit_power` and `history_power` weigh a user's n-th of N events by
(n/N)^power in the fit and in the history that it ranks by.
"""
_NEURAL = """
Models marked (neural) are trained by RecTools on the CPU (`benchmarks/quality/neural`): {epochs} epochs by the
window, of those that need at most {billions:g} billion scores of an item at a place of a sequence.
"""
_NO_NEURAL = """
SASRec and gSASRec were not measured: `make bench-neural-env` builds the environment that they need.
"""
_ABLATIONS = """## Ablations

recall@10 and NDCG@10 on warm users and items of a window inside the training part of the first protocol (the holdout of
the run), with one thing changed at a time. The cold items of the holdout compete too and are misses here, so that what
ranks new items well, their features above all, may lose by it.
"""


@dataclass(frozen=True)
class Measured:
    """All figures of the page.

    Attributes:
        figures: by "data set, protocol" and model.
        sessions: by data set of sessions and model.
        few_users: number of users by "data set, protocol" that has no table.
        ablations: by data set and name.
        tied: fraction of events with the time of their user's event before, by data set.
    """

    figures: Figures
    sessions: Figures
    few_users: Mapping[str, int]
    ablations: Figures
    tied: Mapping[str, float]


def write_page(measured: Measured, page: Path) -> None:
    """Write the page; its plot goes to `images/` beside it."""
    parts = [_head(measured)]
    for title, models in measured.figures.items():
        users = models[NIGHTJAR]["users"]
        parts += [f"## {title}\n\n{users:,} users are evaluated. {_verdict(models)}\n", _table(models), quoted(title)]
    parts += [f"{title}: {users} users, no table.\n" for title, users in measured.few_users.items()]
    if measured.figures:
        parts.append("![recall@10 of each model](images/quality.png)\n")
    parts += [session_section(name, models) for name, models in measured.sessions.items()]
    if measured.ablations:
        parts += [_ABLATIONS, _ablation_table(measured.ablations), ""]
    choices = {**measured.figures, **{f"{name}, next click": models for name, models in measured.sessions.items()}}
    parts += ["## What validation chose\n", choice_table(choices, "protocol"), ""]
    page.write_text("\n".join(parts), encoding="utf-8")
    if measured.figures:
        _draw(measured.figures, page.parent / "images" / "quality.png")


def _head(measured: Measured) -> str:
    rows = ["| protocol | settings of the run |", "|---|---|"]
    for each in PROTOCOLS:
        settings = ", ".join(f"`{variable(name)}={value}`" for name, value in each.settings.items())
        rows.append(f"| {each.name} | {settings} |")
    head = _HEAD.format(holdouts="\n".join(rows), min_users=MIN_USERS, tied=_tied(measured.tied))
    without = [title for title, models in measured.figures.items() if not NEURAL_PEERS.keys() & models.keys()]
    if len(without) == len(measured.figures):
        return head + _NO_NEURAL
    neural = _NEURAL.format(epochs=", ".join(map(str, EPOCHS)), billions=MOST_SCORES / 1e9)
    return head + neural + (f"They were not measured on {'; '.join(without)}.\n" if without else "")


def _tied(fractions: Mapping[str, float]) -> str:
    ties = [f"{fraction:.0%} in {name}" for name, fraction in fractions.items() if fraction >= 0.005]
    return f"\nEvents with the time of their user's event before: {', '.join(ties)}." if ties else ""


def _verdict(models: Models) -> str:
    differences = []
    for metric in METRICS:
        peers = models.keys() - {NIGHTJAR, WITH_SEQUENCE}
        best = max(sorted(peers), key=lambda each: float(models[each][metric]))
        differences.append(f"{difference(models, NIGHTJAR, best, metric)} against the best peer, {best}")
    verdict = f"Nightjar: {'; '.join(differences)}."
    if WITH_SEQUENCE not in models:
        return verdict
    with_sequence = [f"{difference(models, WITH_SEQUENCE, NIGHTJAR, metric)}" for metric in METRICS]
    return f"{verdict} With the source `sequence`, `NIGHTJAR_SEQUENCE=on`, against without: {'; '.join(with_sequence)}."


def _table(models: Models) -> str:
    rows = ["| model | recall@10 | NDCG@10 | coverage | fit seconds |", "|---|---|---|---|---|"]
    best = {metric: max(float(each[metric]) for each in models.values()) for metric in ("recall", "ndcg", "coverage")}
    for model, of_model in sorted(models.items(), key=lambda each: float(each[1]["recall"])):
        cells = [
            f"**{of_model[metric]:.4f}**" if of_model[metric] == best[metric] else f"{of_model[metric]:.4f}"
            for metric in best
        ]
        name = f"{model} (neural)" if model in NEURAL_PEERS else model
        rows.append(f"| {name} | {' | '.join(cells)} | {of_model['fit_seconds']:,.1f} |")
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
        draw_recall(panel, models, NIGHTJAR, f"{title}\n({models[NIGHTJAR]['users']:,} users)")
    for panel in panels[len(figures) :]:
        panel.set_axis_off()
    save(figure, path)
