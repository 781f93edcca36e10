"""Writes docs/cold-start.md and its plot from the measured figures; no number is typed by hand."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.cold_start.models import EMBEDDINGS, NIGHTJAR
from benchmarks.pages import METRICS, Models, choice_table, difference, draw_recall, save

_REFERENCES = ("content kNN", "popularity in the target")
_SETTINGS = ("cold_item_", "cooccurrence_", "embedding_dim", "epochs", "learning_rate", "max_sampled")
_HEAD = """# Cold items, and users new to a domain

`make bench-cold DATA="folder folder"` writes this page: one split and one metric code for all. Nightjar's figures come
from the code that ranks in a run (LightFM's fit, the embeddings of cold items, the co-occurrence weights, the blend)
with the default settings, on features made as in a run; no recommendation was published. Peers get the same features
and are tuned on the same protocol applied once more to the training part, Nightjar's defaults by hand on that too; on
it Nightjar chooses its blend weights, as a run does on its choice window. These data have no times: every pair
weighs the same, in all models.

*Cold items* ("items without events" in the headings): a fifth of the items is held out with all their pairs. They are
the truth of the users with pairs left, and compete with each other. *From domain to domain*: a tenth of the users loses
all pairs in the target domain. These are their truth, and the target's items compete. recall@10 divides by
min(10, size of the truth), NDCG@10 has binary gains, coverage is the fraction of the competing items that stand in some
top-10 list. Intervals hold the mean over users of the difference with 95 % confidence (paired bootstrap).
"""


def write_page(figures: Mapping[str, Models], page: Path) -> None:
    """Write the page.

    Args:
        figures: by "data set, test set" and model.
        page: the file; its plot goes to `images/` beside it.
    """
    parts = [_HEAD]
    for title, models in figures.items():
        parts += [f"## {title}\n\n{models[NIGHTJAR]['users']:,} users are evaluated. {_verdict(models)}\n"]
        parts += [_table(models), ""]
    parts += [
        "![recall@10 of each model](images/cold-start.png)\n",
        "## Choices\n",
        choice_table(figures, "question", *_SETTINGS),
        "",
    ]
    page.write_text("\n".join(parts), encoding="utf-8")
    _draw(figures, page.parent / "images" / "cold-start.png")


def _verdict(models: Models) -> str:
    peers = [name for name in models if name not in (NIGHTJAR, EMBEDDINGS)]
    best = max(peers, key=lambda name: float(models[name]["recall"]))
    against = [name for name in peers if name in _REFERENCES or name == best]
    return " ".join(
        f"Against {peer}: {'; '.join(difference(models, NIGHTJAR, peer, metric) for metric in METRICS)}."
        for peer in against
    )


def _table(models: Models) -> str:
    rows = ["| model | recall@10 | NDCG@10 | coverage |", "|---|---|---|---|"]
    for name, figures_of in sorted(models.items(), key=lambda each: float(each[1]["recall"])):
        rows.append(
            f"| {name} | {figures_of['recall']:.4f} | {figures_of['ndcg']:.4f} | {figures_of['coverage']:.4f} |"
        )
    return "\n".join(rows)


def _draw(figures: Mapping[str, Models], path: Path) -> None:
    figure = Figure(figsize=(5 * len(figures), 3), layout="constrained")
    panels = figure.subplots(1, len(figures), squeeze=False)[0]
    for panel, (title, models) in zip(panels, figures.items(), strict=True):
        draw_recall(panel, models, NIGHTJAR, title)
    save(figure, path)
