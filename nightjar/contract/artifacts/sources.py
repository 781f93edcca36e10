"""The three kinds of source that a model ranks by: vectors, item weights with a history rule, item scores.

Each model of `ml.models` is fitted to one of them; ranking, evaluation, Spark, fold-in and the report know no other.
A source writes plain arrays into the folder of a model (`nightjar.contract.artifacts.model_folder`), their names
beginning with its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# Which items a source scores: those with interactions, or those without, which compete by their features.
GROUPS = WARM, COLD = "warm", "cold"
# For whom sources have weights of their own: users with items in the domain of a list, those whose items all lie in
# other domains, and those who have none but features.
USERS = IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS = "in_domain", "new_to_domain", "cold_user"
_PARTS = ("data", "indices", "indptr")
# Names in a manifest the source whose item weights are those of another source, too: they are written once.
SHARED = "weights_of"


@dataclass(frozen=True)
class History:
    """The own items of some users.

    Attributes:
        weights: (users, items) float32 CSR, above 0.
        newest_ranks: (users, items) float32 CSR of the same pairs, 1 for a user's newest item, 2 for the one before.
    """

    weights: sparse.csr_matrix
    newest_ranks: sparse.csr_matrix

    @classmethod
    def unordered(cls, weights: sparse.csr_matrix) -> "History":
        """Return histories whose items are all equally new."""
        return cls(weights, weights.sign())

    def beside(self, other: "History") -> "History":
        """Return both histories, those of users who have none in one of them."""
        weights, ranks = (self.weights + other.weights).tocsr(), (self.newest_ranks + other.newest_ranks).tocsr()
        weights.sort_indices()
        ranks.sort_indices()
        return History(weights, ranks)

    def of(self, users: NDArray[np.int64]) -> "History":
        """Return the own items of some of the users, one a row."""
        return History(self.weights[users], self.newest_ranks[users])


@dataclass(frozen=True)
class HistoryRule:
    """How a user's history is weighed before it meets item weights.

    Attributes:
        exponent: power of the weights of the user's own items; 0: all weigh alike.
        newest: items that count at most; 0: all.
        decay: ranks after which an item weighs 1/e of what it would; 0: ranks do not matter.
    """

    exponent: float = 1.0
    newest: int = 0
    decay: float = 0.0

    def weights_of(self, weights: NDArray[np.float32], newest_ranks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weigh own items: weight above 0 and rank from 1, the newest, of each."""
        weighed = weights**self.exponent
        if self.decay > 0:
            weighed = weighed * np.exp((1 - newest_ranks) / np.float32(self.decay))
        return np.where(newest_ranks <= self.newest, weighed, np.float32(0)) if self.newest > 0 else weighed

    def weighed(self, history: History) -> sparse.csr_matrix:
        """Weigh histories: (users, items) float32 CSR."""
        pairs = history.weights
        data = self.weights_of(pairs.data, history.newest_ranks.data).astype(np.float32)
        weighed = sparse.csr_matrix((data, pairs.indices, pairs.indptr), shape=pairs.shape)
        if self.newest > 0:
            # A copy: without entries of 0 a product takes less.
            weighed = weighed.copy()
            weighed.eliminate_zeros()
        return weighed


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
        other_histories: each makes one more source of the same weights, by the ending of its name; not written.
    """

    weights: sparse.csr_matrix
    history: HistoryRule = field(default_factory=HistoryRule)
    average: NDArray[np.float32] | None = None
    other_histories: Mapping[str, HistoryRule] = field(default_factory=dict)
    kind: ClassVar[str] = "item_weights"

    def sources(self, name: str) -> Iterator[tuple[str, "ItemWeights"]]:
        """Yield the sources of these weights, the one of `history` first, each with its name."""
        yield name, replace(self, other_histories={})
        for ending, rule in self.other_histories.items():
            yield f"{name}_{ending}", replace(self, history=rule, other_histories={})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays to write, by name."""
        average = {} if self.average is None else {"average": self.average}
        return {part: getattr(self.weights, part) for part in _PARTS} | average

    def facts(self) -> dict[str, Any]:
        """What the manifest says besides."""
        return {f"history_{each.name}": getattr(self.history, each.name) for each in fields(self.history)}

    @classmethod
    def mapped(cls, folder: Path, name: str, facts: Mapping[str, Any]) -> "ItemWeights":
        """Map a source of a model's folder into memory."""
        weights = square([_mapped(folder, facts.get(SHARED, name), part) for part in _PARTS])
        has_average = (folder / f"{name}.average.npy").exists()
        given = {
            each.name: facts[f"history_{each.name}"] for each in fields(HistoryRule) if f"history_{each.name}" in facts
        }
        rule = HistoryRule(**given)
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
        weight_new_to_domain: the weight for users without items in the domain; None: the same.
        weight_cold_user: the weight for users without any items, of item scores alone.
    """

    name: str
    weight: float
    fitted: Fitted
    items: str = WARM
    weight_new_to_domain: float | None = None
    weight_cold_user: float = 0.0

    def weight_for(self, users: str) -> float:
        """Return the weight for one of `USERS`."""
        if users == WITHOUT_ITEMS:
            return self.weight_cold_user
        return self.weight if users == IN_DOMAIN or self.weight_new_to_domain is None else self.weight_new_to_domain


def raised(pairs: sparse.csr_matrix, exponent: float) -> sparse.csr_matrix:
    """Raise the weights of all pairs to a power; the power 0 makes them 1, and what is no pair stays none."""
    return sparse.csr_matrix((pairs.data**exponent, pairs.indices, pairs.indptr), shape=pairs.shape)


def square(parts: list[NDArray[Any]]) -> sparse.csr_matrix:
    """Return the (n, n) CSR matrix of its data, indices and row starts, without copying them."""
    size = len(parts[-1]) - 1
    return sparse.csr_matrix(tuple(parts), shape=(size, size), copy=False)


def _mapped(folder: Path, name: str, part: str) -> NDArray[Any]:
    return np.load(folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
