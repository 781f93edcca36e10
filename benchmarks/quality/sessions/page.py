"""The section of the page about sessions that training never saw."""

import numpy as np

from benchmarks.pages import Models
from benchmarks.quality.measure import NIGHTJAR
from benchmarks.quality.sessions.measure import SETTINGS
from ml.evaluation.paired_bootstrap import mean_intervals

_METRICS = {"hit_rate": "HR@20", "mrr": "MRR@20"}
_TEXT = """## {name}, next click of unseen sessions

Sessions that began after the training part: after each click the next one is looked up in a list of 20 items, which may
repeat what was clicked ({prefixes:,} prefixes). A list without it counts 0, so does an item that training never saw.
Equal scores rank by item. Nightjar folds a prefix in as it does for requests of one user, by a model published with
default settings but for {settings}. Its peers are tuned on the
sessions of the last day of training. Items: those that stand in some list. Intervals resample sessions. {verdict}
"""


def session_section(name: str, models: Models) -> str:
    """Return the section of one data set."""
    prefixes = models[NIGHTJAR]["prefixes"]
    settings = " and ".join(f"`{setting}={value}`" for setting, value in SETTINGS.items())
    rows = ["| model | HR@20 | MRR@20 | items | fit seconds |", "|---|---|---|---|---|"]
    best = {metric: max(float(each[metric]) for each in models.values()) for metric in _METRICS}
    for model, of_model in sorted(models.items(), key=lambda each: float(each[1]["hit_rate"])):
        cells = [
            f"**{of_model[metric]:.4f}**" if of_model[metric] == best[metric] else f"{of_model[metric]:.4f}"
            for metric in _METRICS
        ]
        rows.append(f"| {model} | {' | '.join(cells)} | {of_model['listed']:,} | {of_model['fit_seconds']:,.1f} |")
    return "\n".join(
        [_TEXT.format(name=name, prefixes=prefixes, settings=settings, verdict=_verdict(models)), *rows, ""]
    )


def _verdict(models: Models) -> str:
    differences = []
    for metric, title in _METRICS.items():
        best = max((each for each in models if each != NIGHTJAR), key=lambda each: float(models[each][metric]))
        ours, theirs = models[NIGHTJAR], models[best]
        values = np.subtract(ours["by_session"][metric], theirs["by_session"][metric])
        # Sums of sessions, so that their mean is that over prefixes: clicks of one session are not independent.
        values *= len(values) / ours["prefixes"]
        low, high = mean_intervals(values[:, None], 0.95, seed=1)[0]
        ratio = ours[metric] / theirs[metric] - 1
        differences.append(f"{title} {ratio:+.1%} ({low:+.4f} to {high:+.4f}) against the best peer, {best}")
    return f"Nightjar: {'; '.join(differences)}."
