"""A user's own items once more, where they may be recommended again."""

import numpy as np
from scipy import sparse

from ml.data.training_data import TrainingPart
from nightjar.contract.artifacts.sources import WARM, HistoryRule, ItemWeights
from nightjar.contract.settings import Settings

# By the weights of the user's pairs, which say how often and how lately; and by the order of the newest items alone,
# for what is looked at again within minutes.
_HISTORY = HistoryRule(1.0)
_OTHER_HISTORIES = {"recent": HistoryRule(0.0, 0, 4.0), "last": HistoryRule(0.0, 0, 1.0)}


class Repeats:
    """Each item speaks for itself alone, in the domains of NIGHTJAR_REPEAT_AFTER_DAYS."""

    name, items = "repeats", WARM

    def weight(self, settings: Settings) -> float:
        """None, unless a run chooses one."""
        return 0.0

    def fit(self, part: TrainingPart, settings: Settings) -> ItemWeights | None:
        """Return a weight of 1 for each item with itself; None where no item may be recommended again."""
        domains = part.data.item_domains
        may_repeat = np.array([settings.repeats.after_days(domain) is not None for domain in domains], np.bool_)
        if not may_repeat.any():
            return None
        weights = sparse.diags(may_repeat.astype(np.float32), dtype=np.float32).tocsr()
        weights.eliminate_zeros()
        return ItemWeights(weights, _HISTORY, other_histories=_OTHER_HISTORIES)
