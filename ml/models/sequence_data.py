"""What a fit of the sequence model learns from, what its rows are called, and the users who judge its epochs.

Pure; used by `ml.models.sequence` and `ml.models.sequence_network`.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.data.training_data import IDENTITY_PREFIX, TrainingPart
from ml.models.base import NamedArrays
from ml.models.sequence_windows import OrderedItems, Shape, mean_features

# Users whose newest item says when to stop: a fifth of them, but so many at least, if there are, and at most.
JUDGES = (1_000, 5_000)


@dataclass(frozen=True)
class SequenceData:
    """What a fit learns from.

    Attributes:
        ordered: the users' items.
        features: (items of the catalogue, features) float32 CSR, what an item carries besides its identity.
        draws: (users,) float64 from 0 to 1, by their ids: the lowest judge.
        item_ids: (items that occur,) text.
        feature_names: (features,) text.
    """

    ordered: OrderedItems
    features: sparse.csr_matrix
    draws: NDArray[np.float64]
    item_ids: NDArray[np.object_]
    feature_names: NDArray[np.object_]

    @classmethod
    def of(cls, part: TrainingPart, seed: int) -> "SequenceData":
        """Return those of a part of the data; the seed is that of the draws."""
        data, ordered = part.data, OrderedItems.of(part.history)
        names = data.item_feature_names
        is_identity = np.array([str(name).startswith(IDENTITY_PREFIX) for name in names], np.bool_)
        features = mean_features(data.item_features, is_identity)
        return cls(ordered, features, draws_of(data.user_ids, seed), data.item_ids[ordered.warm], names[~is_identity])

    def judged_fraction(self, before: float = 1.0) -> float:
        """Return the fraction of the users who judge: never more than in the fit that this one is warm-started from."""
        return float(min(before, np.clip(len(self._can_judge) / 5, *JUDGES) / max(1, len(self._can_judge))))

    def judges(self, fraction: float) -> NDArray[np.int64]:
        """Return the users who judge, whose newest item is not learned from.

        A user is drawn by their id, whoever else there is, so that a fit is judged by users who judged the fit before:
        of them it learned nothing that is held back now.
        """
        users = self._can_judge
        return users[self.draws[users] < fraction]

    @property
    def _can_judge(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(self.ordered.starts) > 1)

    def digest(self, shape: Shape, start: NamedArrays | None) -> str:
        """Return a digest of all that a fit depends on, 16 hex digits.

        Args:
            shape: of the network.
            start: the weights that it is warm-started from; None: none.
        """
        ordered, features, names = self.ordered, self.features, (self.item_ids, self.feature_names)
        digest = hashlib.sha256(repr((astuple(shape), features.shape, *map(list, names))).encode())
        arrays = [ordered.items, ordered.starts, ordered.warm, features.data, features.indices, features.indptr]
        for array in (*arrays, self.draws, *_parts(start or {})):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]


def draws_of(user_ids: NDArray[np.object_], seed: int) -> NDArray[np.float64]:
    """Return a number from 0 to 1 of each id, the same wherever the id stands: (users,)."""
    digests = (hashlib.blake2b(f"{seed} {user_id}".encode(), digest_size=8).digest() for user_id in user_ids)
    return np.frombuffer(b"".join(digests), ">u8") / 2.0**64


def _parts(arrays: NamedArrays) -> Iterable[NDArray[np.generic]]:
    for name in sorted(arrays):
        yield np.array(name)
        yield arrays[name]
