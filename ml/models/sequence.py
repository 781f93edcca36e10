"""What comes next after a user's newest items, by a transformer (SASRec: Kang and McAuley 2018); off by default.

The network and torch, an optional package, are in `ml.models.sequence_network`: docs/decisions/sequence.md.
"""

import hashlib
from dataclasses import astuple

import numpy as np
from scipy import sparse

from ml.data.training_data import IDENTITY_PREFIX, TrainingPart
from ml.models.base import LongFit
from ml.models.sequence_windows import OrderedItems, Shape, mean_features
from nightjar.contract.artifacts.sources import WARM, VectorSource
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings


class Sequence:
    """The vector of a user is what the network makes of their newest items, in order."""

    name, items = "sequence", WARM

    def weight(self, settings: Settings) -> float:
        """None, unless a run chooses one."""
        return 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> VectorSource | None:
        """Fit without a word and without a checkpoint."""
        return self.fit_long(part, settings, LongFit())

    def fit_long(self, part: TrainingPart, settings: Settings, log: LongFit) -> VectorSource | None:
        """Fit the vectors; None where the model is off or nobody has three items in an order.

        Raises:
            BadInput: torch is not installed.
            NightjarError: the training diverged.
        """
        # Of three items the newest is held back, and the second is to be learned. Without an order all have the rank 1.
        if settings.sequence == "off" or part.history.newest_ranks.data.max(initial=0) < 3:
            return None
        try:
            from ml.models.sequence_network import fit_vectors
        except ImportError as error:
            # A run is refused before it begins; the package can be missing where a champion is refitted.
            raise BadInput(
                "NIGHTJAR_SEQUENCE=on needs the package torch: install the extra neural",
                code="missing_package",
                setting="NIGHTJAR_SEQUENCE",
                package="torch",
            ) from error
        data, ordered = part.data, OrderedItems.of(part.history)
        is_identity = np.array([str(name).startswith(IDENTITY_PREFIX) for name in data.item_feature_names], np.bool_)
        features = mean_features(data.item_features, is_identity)
        shape = Shape(
            settings.sequence_dim,
            settings.sequence_length,
            settings.sequence_epochs,
            settings.sequence_minutes,
            settings.seed,
        )
        users, items = fit_vectors(ordered, features, shape, digest_of(ordered, features, shape), log)
        return VectorSource(users, items, np.zeros(len(items), np.float32))


def digest_of(ordered: OrderedItems, features: sparse.csr_matrix, shape: Shape) -> str:
    """Return a digest of all that a fit depends on, 16 hex digits."""
    digest = hashlib.sha256(repr((astuple(shape), features.shape)).encode())
    for part in (ordered.items, ordered.starts, ordered.warm, features.data, features.indices, features.indptr):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]
