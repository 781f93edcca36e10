"""What comes next after a user's newest items, by a transformer (SASRec: Kang and McAuley 2018); off by default.

The network and torch, an optional package, are in `ml.models.sequence_network`: docs/decisions/sequence.md.
"""

import numpy as np

from ml.data.training_data import TrainingPart
from ml.models.base import LongFit
from ml.models.sequence_data import SequenceData
from ml.models.sequence_windows import Shape
from nightjar.contract.artifacts.sources import WARM, VectorSource
from nightjar.contract.extras import require_package
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
        # A run is refused before it begins; the package can be missing where a champion is refitted.
        require_package("NIGHTJAR_SEQUENCE=on", "torch", "torch", "neural", setting="NIGHTJAR_SEQUENCE")
        from ml.models.sequence_network import fit_network

        data, start = SequenceData.of(part, settings.seed), log.starts.get(self.name)
        shape = Shape(
            settings.sequence_dim,
            settings.sequence_length,
            settings.sequence_epochs,
            settings.sequence_minutes,
            settings.seed,
        )
        fitted = fit_network(data, shape, start, log)
        log.leave(self.name, fitted.left)
        return VectorSource(fitted.users, fitted.items, np.zeros(len(fitted.items), np.float32))
