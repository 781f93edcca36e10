"""Other models to compare with, and the grids of their choices. All are tuned on the same validation window.

A peer is a function of the training events and one choice of its grid that returns what it fitted: a function of one
choice of how it ranks that returns a scorer, user numbers -> (rows, items) scores. So a fit is shared by the choices
that only rank. One thread and a fixed seed, so that two runs agree.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from benchmarks.quality import peer_models, slist
from benchmarks.quality.data_sets import DataSet
from benchmarks.quality.evaluation import Scorer

Choice = Mapping[str, Any]
Fitted = Callable[..., Scorer]


@dataclass(frozen=True)
class Peer:
    """One model.

    Attributes:
        name: on the page.
        fit: from events and a choice of `grid` to what is fitted.
        grid: values by name, of which every combination is fitted.
        ranking_grid: values by name, of which every combination is tried on each fit.
        needs_clock_times: whether it compares times of different users.
    """

    name: str
    fit: Callable[..., Fitted]
    grid: Mapping[str, list[Any]] = field(default_factory=dict)
    ranking_grid: Mapping[str, list[Any]] = field(default_factory=dict)
    needs_clock_times: bool = False

    def fits(self) -> Iterator[Choice]:
        """Yield each choice of a fit."""
        return combinations(self.grid)

    def rankings(self) -> Iterator[Choice]:
        """Yield each choice of how a fit ranks."""
        return combinations(self.ranking_grid)


def combinations(grid: Mapping[str, list[Any]]) -> Iterator[Choice]:
    """Yield all combinations of a grid."""
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


# Powers of the recency rank of a user's own items; 0: all count alike.
_HISTORY = {"history_power": [0.0, 2.0, 6.0]}
PEERS = (
    Peer("popularity", peer_models.popularity),
    Peer("popularity of recent days", peer_models.recent_popularity, {"days": [7, 14, 60]}, needs_clock_times=True),
    Peer("BPR", peer_models.bpr, {"learning_rate": [0.02, 0.05], "iterations": [100, 300]}),
    Peer("LightFM, plain", peer_models.lightfm, {"epochs": [15, 30, 60]}),
    Peer("item kNN", peer_models.item_knn, {"neighbours": [50, 200, 1000], "fit_power": [0.0, 2.0]}, _HISTORY),
    Peer(
        "BM25 kNN",
        peer_models.bm25,
        {"neighbours": [200, 1000], "b": [0.2, 0.75], "fit_power": [0.0, 2.0]},
        _HISTORY,
    ),
    Peer(
        "implicit ALS",
        peer_models.als,
        {"regularization": [0.05, 10.0], "alpha": [1.0, 10.0], "fit_power": [0.0, 2.0]},
    ),
    Peer(
        "EASE",
        peer_models.ease,
        {"ridge": [30.0, 100.0, 300.0, 1000.0], "fit_power": [0.0, 2.0]},
        {"history_power": [0.0, 2.0, 4.0, 8.0]},
    ),
    Peer(
        "SLIST",
        slist.slist,
        {"alpha": [0.0, 0.2], "ridge": [20.0, 100.0], "targets": [1, 10]},
        {"history_decay": [1.0, 4.0, 15.0]},
    ),
)


def peers_of(data: DataSet) -> list[Peer]:
    """Return the peers that a data set has what they need for."""
    return [each for each in PEERS if data.has_clock_times or not each.needs_clock_times]
