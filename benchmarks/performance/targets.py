"""What a night may cost beside bare libraries, as ratios of figures that one run measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Figures = Mapping[str, Any]
_PEAK_BYTES = 16 * 2**30
# Identical calls, such as the index's queries and those of bare hnswlib, have been seen to differ by 2 %.
NOISE = 0.03


@dataclass(frozen=True)
class Target:
    """A measured ratio and the bound it should keep.

    Attributes:
        what: in words, which against which.
        ratio: measured; what it is of says `what`.
        bound: at most, or at least.
        at_most: which of the two.
        noise: share of the bound by which it may be missed; clocks have some, counts none.
    """

    what: str
    ratio: float
    bound: float
    at_most: bool = True
    noise: float = NOISE

    @property
    def is_met(self) -> bool:
        """Whether the bound is kept, as far as can be told."""
        least, most = self.bound * (1 - self.noise), self.bound * (1 + self.noise)
        return self.ratio <= most if self.at_most else self.ratio >= least


def targets(figures: Figures) -> list[Target]:
    """Return the targets of one size with what was measured."""
    scoring, epochs, inputs, index, night = (
        figures[name] for name in ("scoring", "epochs", "inputs", "index", "night")
    )
    alone, blended = scoring["Nightjar, embeddings alone"], scoring["Nightjar, blended as published"]
    product, implicit = scoring["bare product"], scoring["implicit's recommend"]
    return [
        Target("lists by the embeddings alone / bare product", alone / product, 2.5),
        Target("lists by the embeddings alone / implicit's recommend", alone / implicit, 1.0),
        Target("lists as published (blended) / bare product", blended / product, 2.5),
        Target("lists as published (blended) / implicit's recommend", blended / implicit, 1.0),
        Target("LightFM.predict / lists by the embeddings alone", scoring["LightFM.predict"] / alone, 30, False),
        Target("LightFM.predict / lists as published (blended)", scoring["LightFM.predict"] / blended, 30, False),
        Target("an epoch / bare LightFM's epoch", epochs["Nightjar"] / epochs["bare LightFM"], 1.0),
        *(_of_engine(engine, figures[key]) for engine, key in (("PostgreSQL", "postgres"), ("DuckDB", "duckdb"))),
        Target(
            "dbt's first build of the inputs and the unload / bare scan-and-write of the events",
            (inputs["dbt"] + inputs["unload"]) / inputs["bare"],
            2.0,
        ),
        Target(
            "queries per second of the index / bare hnswlib",
            index["query per second"] / index["bare query per second"],
            1.0,
            False,
        ),
        Target("recall@10 of the index", index["recall"], 0.99, False, noise=0.0),
        Target("the night / its stages", night["seconds"] / (night["seconds"] - night["overhead"]), 1.5),
        Target("peak memory of the night / 16 GiB", night["peak"] / _PEAK_BYTES, 1.0, noise=0.0),
    ]


def _of_engine(engine: str, seconds: Mapping[str, float]) -> Target:
    return Target(
        f"rows per second of loading / bare bulk load, {engine}", seconds["bare"] / seconds["load"], 0.8, False
    )
