"""Bounds of a run's cost beside bare libraries, as ratios of figures that one benchmark measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]
_PEAK_BYTES = 16 * 2**30
_TOPK = "choosing the best of a row takes longer than the product of so few items"
_HISTORIES = "the product of histories with item-item weights comes on top; NIGHTJAR_COOCCURRENCE_SHARE=0 does without"
_STARTS = "what starts and ends each stage does not grow with the data: see below"
_PREDICT = "LightFM.predict takes some 30 to 60 bare products, and choosing the best of a row is more than one"
# Identical calls, such as the index's queries and those of bare hnswlib, have been seen to differ by 2 %.
NOISE = 0.03


@dataclass(frozen=True)
class Target:
    """A measured ratio and its bound.

    Attributes:
        what: in words, numerator and denominator.
        ratio: measured.
        bound: at most, or at least.
        at_most: which of the two.
        noise: fraction of the bound by which it may be missed; 0 for counts.
        why: where it is not met, what takes the time according to profiles.
    """

    what: str
    ratio: float
    bound: float
    at_most: bool = True
    noise: float = NOISE
    why: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the bound is kept, within the noise."""
        least, most = self.bound * (1 - self.noise), self.bound * (1 + self.noise)
        return self.ratio <= most if self.at_most else self.ratio >= least


def targets(figures: Figures) -> list[Target]:
    """Return the targets of one size with the measured ratios."""
    scoring, epochs, inputs, index, run = (figures[name] for name in ("scoring", "epochs", "inputs", "index", "run"))
    alone, blended = scoring["Nightjar, embeddings alone"], scoring["Nightjar, blended as published"]
    product, implicit, predict = (scoring[name] for name in ("bare product", "implicit's recommend", "LightFM.predict"))
    of_stages = run["seconds"] - run["overhead"]
    return [
        Target("recommendations by the embeddings alone / bare product", alone / product, 2.5, why=_TOPK),
        Target(
            "recommendations by the embeddings alone / implicit's recommend",
            alone / implicit,
            1.0,
            why="items out of stock and the user's own are left out, as there, and each row has source and reason item",
        ),
        Target("recommendations as published (blended) / bare product", blended / product, 2.5, why=_HISTORIES),
        Target(
            "recommendations as published (blended) / implicit's recommend", blended / implicit, 2.5, why=_HISTORIES
        ),
        Target("LightFM.predict / recommendations by the embeddings alone", predict / alone, 30, False, why=_PREDICT),
        Target(
            "LightFM.predict / recommendations as published (blended)", predict / blended, 30, False, why=_HISTORIES
        ),
        Target(
            "an epoch / bare LightFM's epoch",
            epochs["Nightjar"] / epochs["bare LightFM"],
            1.0,
            why="each epoch is a call of its own, whose checks take hundredths of a second",
        ),
        *(_of_engine(engine, figures[key]) for engine, key in (("PostgreSQL", "postgres"), ("DuckDB", "duckdb"))),
        Target(
            "dbt's first build of the inputs and the unload / bare scan-and-write of the events",
            (inputs["dbt"] + inputs["unload"]) / inputs["bare"],
            3.0,
            why="dbt starts and parses for seconds, builds more than the events, and the unload sorts them",
        ),
        Target(
            "queries per second of the index / bare hnswlib",
            index["query per second"] / index["bare query per second"],
            1.0,
            False,
        ),
        Target("recall@10 of the index", index["recall"], 0.99, False, noise=0.0),
        Target("the run / its stages", run["seconds"] / of_stages, 1.5, why=_STARTS),
        Target("peak memory of the run / 16 GiB", run["peak"] / _PEAK_BYTES, 1.0, noise=0.0),
    ]


def _of_engine(engine: str, seconds: Mapping[str, float]) -> Target:
    return Target(
        f"rows per second of loading / bare bulk load, {engine}", seconds["bare"] / seconds["load"], 0.8, False
    )


def reasons(by_size: Sequence[Sequence[Target]]) -> list[str]:
    """Return a line for each target that is not met at some size: what it is and what takes the time."""
    return [
        f"{same[0].what}: {same[0].why or 'not profiled yet'}"
        for same in zip(*by_size, strict=True)
        if not all(target.is_met for target in same)
    ]
