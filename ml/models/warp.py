"""LightFM's updates by the WARP loss over some pairs, on arrays of ours: the only module that imports lightfm.

Used by `lightfm` and by the processes that train shards, so it imports little: each of them starts with it.
"""

from typing import NamedTuple

import numpy as np
from lightfm import LightFM
from lightfm._lightfm_fast import CSRMatrix, FastLightFM, fit_warp
from numpy.typing import NDArray
from scipy import sparse

# LightFM's own names of its arrays of one side, in the order of the fields of `Parameters`.
_PARTS = ("embeddings", "biases", "embedding_gradients", "bias_gradients")
_SIDES = ("user", "item")


class Parameters(NamedTuple):
    """What is trained of the features of one side (users or items), changed in place.

    Attributes:
        vectors: (features, dim) float32.
        biases: (features,) float32.
        vector_gradients: (features, dim) float32, sums of squared gradients.
        bias_gradients: (features,) float32, same.
    """

    vectors: NDArray[np.float32]
    biases: NDArray[np.float32]
    vector_gradients: NDArray[np.float32]
    bias_gradients: NDArray[np.float32]


class Hyperparameters(NamedTuple):
    """Of the updates: the settings of the same names.

    Attributes:
        embedding_dim: dimension of the vectors.
        learning_rate: of AdaGrad.
        max_sampled: most negatives sampled for one update.
        item_alpha: L2 penalty on the items' features.
        user_alpha: L2 penalty on the users' features.
        seed: of all random numbers.
    """

    embedding_dim: int
    learning_rate: float
    max_sampled: int
    item_alpha: float
    user_alpha: float
    seed: int


class OneShard:
    """A fit by LightFM itself, whose parameters are drawn at its start.

    Args:
        pairs: (users, items) float32, weight > 0 of each positive pair.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32.
        hyperparameters: of the updates.
        threads: results repeat exactly only with 1.
    """

    def __init__(
        self,
        pairs: sparse.csr_matrix,
        user_features: sparse.csr_matrix,
        item_features: sparse.csr_matrix,
        hyperparameters: Hyperparameters,
        threads: int,
    ) -> None:
        values = hyperparameters._asdict()
        dim, seed = values.pop("embedding_dim"), values.pop("seed")
        self._model = LightFM(no_components=dim, loss="warp", random_state=seed, **values)
        weights = pairs.tocoo().astype(np.float32)
        ones = sparse.coo_matrix((np.ones_like(weights.data), (weights.row, weights.col)), shape=weights.shape)
        self._inputs, self._threads = (ones, user_features, item_features, weights), threads
        # As its first epoch would.
        self._model._initialize(dim, item_features.shape[1], user_features.shape[1])

    def train_epoch(self, number: int) -> None:
        """Go through all pairs once.

        Raises:
            ValueError: parameters are not finite.
        """
        # LightFM's own check finds what overflows here.
        with np.errstate(over="ignore", invalid="ignore"):
            self._model.fit_partial(*self._inputs, num_threads=self._threads)

    def parameters(self) -> tuple[Parameters, Parameters]:
        """Return those of the user and of the item features, the arrays that the next epoch changes."""
        users, items = (Parameters(*(getattr(self._model, f"{side}_{part}") for part in _PARTS)) for side in _SIDES)
        return users, items


class Pairs(NamedTuple):
    """Positive pairs in the order of their training.

    Attributes:
        users: (pairs,) int32.
        items: (pairs,) int32.
        weights: (pairs,) float32.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    weights: NDArray[np.float32]


def train(
    users: Parameters,
    items: Parameters,
    user_features: sparse.csr_matrix,
    item_features: sparse.csr_matrix,
    positives: sparse.csr_matrix,
    pairs: Pairs,
    hyperparameters: Hyperparameters,
    random: np.random.RandomState,
    threads: int = 1,
) -> None:
    """Go through the pairs once and change the parameters in place.

    Args:
        users: of the user features.
        items: of the item features.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32; negatives are drawn from its rows.
        positives: (users, items) float32 with sorted indices, what is no negative of a user.
        pairs: what is trained, in this order.
        hyperparameters: of the updates.
        random: of the negatives.
        threads: results repeat exactly only with 1.
    """
    given = hyperparameters
    # AdaGrad has no momentum; LightFM wants arrays of that type, which it does not touch.
    momentum = (users.vector_gradients, users.bias_gradients, items.vector_gradients, items.bias_gradients)
    state = FastLightFM(
        *(items.vectors, items.vector_gradients, momentum[2], items.biases, items.bias_gradients, momentum[3]),
        *(users.vectors, users.vector_gradients, momentum[0], users.biases, users.bias_gradients, momentum[1]),
        *(given.embedding_dim, 0, given.learning_rate, 0.0, 0.0, given.max_sampled),
    )
    order, ones = np.arange(len(pairs.users), dtype=np.int32), np.ones(len(pairs.users), np.float32)
    fit_warp(
        *(CSRMatrix(item_features), CSRMatrix(user_features), CSRMatrix(positives)),
        *(pairs.users, pairs.items, ones, pairs.weights, order, state),
        *(given.learning_rate, given.item_alpha, given.user_alpha, threads, random),
    )
