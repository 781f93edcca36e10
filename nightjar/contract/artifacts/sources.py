"""The three kinds of source that a model ranks by: vectors, item weights with a history rule, item scores.

Each model of `ml.models` is fitted to one of them; ranking, evaluation, Spark, fold-in and the report know no other.
A source writes plain arrays into the folder of a model (`nightjar.contract.artifacts.model_folder`), their names
beginning with its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# Which items a source scores: those with interactions, or those without, which compete by their features.
GROUPS = WARM, COLD = "warm", "cold"
_PARTS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class HistoryRule:
    """How a user's history is weighed before it meets item weights.

    Attributes:
        exponent: power of the weights of the user's own items; 0: all weigh alike.
    """

    exponent: float = 1.0

    def weighed(self, history: sparse.csr_matrix) -> sparse.csr_matrix:
        """Weigh histories: (users, items) CSR of the pairs' weights, above 0."""
        return raised(history, self.exponent)


@dataclass(frozen=True)
class VectorSource:
    """A user's score of an item is the product of their vectors and the item's bias added.

    Attributes:
        user_vectors: (users, dim) float32; zero for a user whom the source does not know.
        item_vectors: (items, dim) float32.
        item_biases: (items,) float32.
    """

    user_vectors: NDArray[np.float32]
    item_vectors: NDArray[np.float32]
    item_biases: NDArray[np.float32]
    kind: ClassVar[str] = "vectors"

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays to write, by name."""
        return {name: getattr(self, name) for name in ("user_vectors", "item_vectors", "item_biases")}

    def facts(self) -> dict[str, Any]:
        """What the manifest says besides."""
        return {}

    @classmethod
    def mapped(cls, folder: Path, name: str, facts: Mapping[str, Any]) -> "VectorSource":
        """Map a source of a model's folder into memory."""
        return cls(*(_mapped(folder, name, part) for part in ("user_vectors", "item_vectors", "item_biases")))


@dataclass(frozen=True)
class ItemWeights:
    """A user's score of an item is the sum of their own items' weights for it: `history.weighed(own) @ weights`.

    Attributes:
        weights: (items, items) float32 CSR, indices sorted; row: the item of the history, column: the item scored.
        history: how the user's own items are weighed.
        average: (items,) float32, subtracted from each item's score per weight of the history; None: nothing.
    """

    weights: sparse.csr_matrix
    history: HistoryRule = field(default_factory=HistoryRule)
    average: NDArray[np.float32] | None = None
    kind: ClassVar[str] = "item_weights"

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays to write, by name."""
        average = {} if self.average is None else {"average": self.average}
        return {part: getattr(self.weights, part) for part in _PARTS} | average

    def facts(self) -> dict[str, Any]:
        """What the manifest says besides."""
        return {"history_exponent": self.history.exponent}

    @classmethod
    def mapped(cls, folder: Path, name: str, facts: Mapping[str, Any]) -> "ItemWeights":
        """Map a source of a model's folder into memory."""
        weights = square([_mapped(folder, name, part) for part in _PARTS])
        has_average = (folder / f"{name}.average.npy").exists()
        rule = HistoryRule(facts["history_exponent"])
        return cls(weights, rule, _mapped(folder, name, "average") if has_average else None)


@dataclass(frozen=True)
class ItemScores:
    """Every user's score of an item is the same.

    Attributes:
        scores: (items,) float32.
    """

    scores: NDArray[np.float32]
    kind: ClassVar[str] = "item_scores"

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays to write, by name."""
        return {"scores": self.scores}

    def facts(self) -> dict[str, Any]:
        """What the manifest says besides."""
        return {}

    @classmethod
    def mapped(cls, folder: Path, name: str, facts: Mapping[str, Any]) -> "ItemScores":
        """Map a source of a model's folder into memory."""
        return cls(_mapped(folder, name, "scores"))


Fitted = VectorSource | ItemWeights | ItemScores
KINDS: dict[str, type[Fitted]] = {each.kind: each for each in (VectorSource, ItemWeights, ItemScores)}


@dataclass(frozen=True)
class Source:
    """One source of a model beside its embeddings.

    Attributes:
        name: of the model that was fitted.
        weight: 0 to 1, of its standardised scores in the sum that items are ranked by.
        fitted: what was fitted.
        items: `WARM` or `COLD`.
    """

    name: str
    weight: float
    fitted: Fitted
    items: str = WARM


def raised(pairs: sparse.csr_matrix, exponent: float) -> sparse.csr_matrix:
    """Raise the weights of all pairs to a power; the power 0 makes them 1, and what is no pair stays none."""
    return sparse.csr_matrix((pairs.data**exponent, pairs.indices, pairs.indptr), shape=pairs.shape)


def square(parts: list[NDArray[Any]]) -> sparse.csr_matrix:
    """Return the (n, n) CSR matrix of its data, indices and row starts, without copying them."""
    size = len(parts[-1]) - 1
    return sparse.csr_matrix(tuple(parts), shape=(size, size), copy=False)


def _mapped(folder: Path, name: str, part: str) -> NDArray[Any]:
    return np.load(folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
