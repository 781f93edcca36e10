"""LightFM in shards of users, which train copies of the item parameters; after each round the copies are merged.

The shards, the rounds and all random numbers follow from the data and the settings, and each sum has one order: the
bits do not depend on how many processes work, nor on which of them trains what. Used by `sharded_fit` and by whoever
trains shards; `docs/decisions/parallel-training.md` says why the merge is as it is.

Arrays lie under names: `items/...` and `shared/...` (user features that several shards carry) are the merged
parameters, `3/items/...` and `3/users/...` those of shard 3, where its own features come before the shared ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ml.models.shared_arrays import Arrays, NewArray
from ml.models.warp import Hyperparameters, Pairs, Parameters, train

# Rows merged at a time: few enough for a processor's cache.
_ROWS = 512
ITEMS, SHARED = "items", "shared"


class Task(NamedTuple):
    """A piece of work that one process does.

    Attributes:
        kind: `train`: a shard's pairs of one round; `merge`: rows of the merged parameters.
        piece: number of the shard, or of the range of rows.
        epoch: from 1.
        round: from 0.
    """

    kind: str
    piece: int
    epoch: int
    round: int


class Plan(NamedTuple):
    """How a fit is cut.

    Attributes:
        shards: of the users.
        rounds: an epoch.
        pieces: into which the rows are cut that are merged at a time.
        threads: of LightFM in each shard; results repeat exactly only with 1.
        hyperparameters: of the updates.
    """

    shards: int
    rounds: int
    pieces: int
    threads: int
    hyperparameters: Hyperparameters

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Plan":
        """Return the plan that was sent as JSON, which makes lists of tuples."""
        plan = cls._make(values)
        return plan._replace(hyperparameters=Hyperparameters._make(plan.hyperparameters))


def shard_of_users(pairs_of_users: NDArray[np.int64], shards: int) -> NDArray[np.int64]:
    """Return (users,) the shard of each user, so that all shards have about as many pairs.

    The users with the most pairs are dealt out first, forwards and backwards in turn.
    """
    block, place = np.divmod(np.arange(len(pairs_of_users)), shards)
    dealt = np.where(block % 2 == 0, place, shards - 1 - place)
    shard = np.empty(len(pairs_of_users), np.int64)
    shard[np.argsort(-pairs_of_users, kind="stable")] = dealt
    return shard


def lay_out(
    new: NewArray,
    plan: Plan,
    pairs: sparse.csr_matrix,
    user_features: sparse.csr_matrix,
    item_features: sparse.csr_matrix,
    users: Parameters,
    items: Parameters,
) -> list[NDArray[np.int64]]:
    """Make the arrays of a fit; return the user features of each shard that no other one carries.

    Args:
        new: makes an array.
        plan: of the fit.
        pairs: (users, items) float32, weight > 0 of each positive pair; every user has one.
        user_features: (users, user features) float32.
        item_features: (items, item features) float32.
        users: from which the user features start.
        items: from which the item features start.
    """
    shard = shard_of_users(pairs.getnnz(axis=1), plan.shards)
    is_carried = np.zeros((plan.shards, user_features.shape[1]), np.bool_)
    is_carried[np.repeat(shard, user_features.getnnz(axis=1)), user_features.indices] = True
    shards_of_feature = is_carried.sum(axis=0)
    shared = np.flatnonzero(shards_of_feature > 1)
    own = [np.flatnonzero(is_carried[each] & (shards_of_feature == 1)) for each in range(plan.shards)]
    _put_parameters(new, ITEMS, items)
    _put_parameters(new, SHARED, Parameters(*(part[shared] for part in users)))
    _put_matrix(new, "item_features", item_features)
    place = np.zeros(user_features.shape[1], np.int64)
    for number in range(plan.shards):
        rows, columns = np.flatnonzero(shard == number), np.concatenate([own[number], shared])
        place[columns] = np.arange(len(columns))
        features, positives = user_features[rows], pairs[rows].sorted_indices()
        renumbered = (features.data, place[features.indices], features.indptr)
        # One row more, which no user carries: it shows what the penalty did to the features that it did not touch.
        width = len(columns) + 1
        _put_matrix(new, f"{number}/features", sparse.csr_matrix(renumbered, shape=(len(rows), width)))
        _put_matrix(new, f"{number}/positives", positives)
        _put(new, f"{number}/pair_users", np.repeat(np.arange(len(rows)), positives.getnnz(axis=1)), np.int32)
        new(f"{number}/order", (positives.nnz,), np.int32)
        _put_parameters(new, f"{number}/users", Parameters(*(_one_more(part[columns]) for part in users)))
        for name, part in zip(Parameters._fields, items, strict=True):
            new(f"{number}/{ITEMS}/{name}", part.shape, np.float32)
    return own


def epoch_tasks(plan: Plan, epoch: int) -> Iterator[list[Task]]:
    """Yield lists of tasks; those of one list may be done in any order, or at once."""
    for number in range(plan.rounds):
        yield [Task("train", shard, epoch, number) for shard in range(plan.shards)]
        yield [Task("merge", piece, epoch, number) for piece in range(plan.pieces)]


def do(task: Task, arrays: Arrays, plan: Plan) -> None:
    """Do one task."""
    # What overflows is found after the epoch.
    with np.errstate(over="ignore", invalid="ignore"):
        if task.kind == "train":
            _train_shard(arrays, plan, task)
        else:
            _merge_rows(arrays, plan, task.piece)


def draw_order(arrays: Arrays, plan: Plan, task: Task) -> None:
    """Put the pairs of a task's shard into the order in which the rounds of its epoch go through them."""
    order = arrays[f"{task.piece}/order"]
    random = np.random.RandomState([plan.hyperparameters.seed, task.epoch, task.piece])
    order[:] = random.permutation(len(order))


def penalties(arrays: Arrays, plan: Plan) -> NDArray[np.float32]:
    """Return (shards,) what the penalty in a round of each shard left of the number 1."""
    return np.array([arrays[f"{shard}/users/biases"][-1] for shard in range(plan.shards)], np.float32)


def penalise(own: Parameters, of_shards: NDArray[np.float32], shard: int) -> None:
    """Shrink user features that only one shard carries, by the penalties of the others.

    LightFM's penalty shrinks all features with each pair; a shard's own ones were shrunk with its own pairs only.
    """
    others = np.delete(of_shards, shard).prod()
    for values in (own.vectors, own.biases):
        np.multiply(values, others, out=values)


def own_count(arrays: Arrays, shard: int) -> int:
    """Return the number of user features that only this shard carries: the first ones of its users' parameters."""
    # After them come those shared, and a last row of no feature.
    return len(arrays[f"{shard}/users/biases"]) - 1 - len(arrays[f"{SHARED}/biases"])


def merge(base: Parameters, copies: Iterable[Parameters], is_mean: bool = False) -> None:
    """Merge what shards trained on copies of the base into the base.

    Squared gradients add up. The changes of a number add up times

        f = (sqrt(G + sum g_s) - sqrt(G)) / sum(sqrt(G + g_s) - sqrt(G))

    with G its squared gradients before and g_s what shard s added to them: as far as AdaGrad, whose steps get shorter,
    would have moved had it gone through the shards one after the other. Or they are the mean over the shards that
    trained the number: of a feature that most users carry, each shard goes all the way by itself.

    Args:
        base: before; it is changed in place.
        copies: of the base after the training of each shard, in the order of the shards.
        is_mean: whether changes are means.
    """
    copies = list(copies)
    of_vectors = [(each.vectors, each.vector_gradients) for each in copies]
    of_biases = [(each.biases, each.bias_gradients) for each in copies]
    _merge_part(base.vectors, base.vector_gradients, of_vectors, is_mean)
    _merge_part(base.biases, base.bias_gradients, of_biases, is_mean)


def _merge_part(
    base: NDArray[np.float32],
    gradients: NDArray[np.float32],
    copies: list[tuple[NDArray[np.float32], NDArray[np.float32]]],
    is_mean: bool,
) -> None:
    root = np.sqrt(gradients)
    added, changes, steps = (np.zeros_like(base) for _ in range(3))
    for values, sums in copies:
        more = sums - gradients
        added += more
        changes += values - base
        # sqrt(G + g) - sqrt(G) without the cancellation.
        steps += more > 0 if is_mean else more / (np.sqrt(sums) + root)
    merged = gradients + added
    step = np.float32(1) if is_mean else added / (np.sqrt(merged) + root)
    factor = np.ones_like(base)
    np.divide(step, steps, out=factor, where=steps > 0)
    base += changes * factor
    gradients[...] = merged


def _train_shard(arrays: Arrays, plan: Plan, task: Task) -> None:
    shard, given = task.piece, plan.hyperparameters
    users, items = parameters(arrays, f"{shard}/users"), parameters(arrays, f"{shard}/{ITEMS}")
    _copy(parameters(arrays, ITEMS), items)
    shared = parameters(arrays, SHARED)
    _copy(shared, rows_of(users, slice(own_count(arrays, shard), -1)))
    users.biases[-1] = 1.0
    if task.round == 0:
        draw_order(arrays, plan, task)
    order = arrays[f"{shard}/order"]
    part = order[len(order) * task.round // plan.rounds : len(order) * (task.round + 1) // plan.rounds]
    positives = _matrix(arrays, f"{shard}/positives")
    pairs = Pairs(arrays[f"{shard}/pair_users"][part], positives.indices[part], positives.data[part])
    random = np.random.RandomState([given.seed, task.epoch, shard, task.round])
    features, item_features = _matrix(arrays, f"{shard}/features"), _matrix(arrays, "item_features")
    train(users, items, features, item_features, positives, pairs, given, random, plan.threads)


def _merge_rows(arrays: Arrays, plan: Plan, piece: int) -> None:
    for side in (ITEMS, SHARED):
        base = parameters(arrays, side)
        count = len(base.biases)
        begin, end = count * piece // plan.pieces, count * (piece + 1) // plan.pieces
        for start in range(begin, end, _ROWS):
            rows = slice(start, min(start + _ROWS, end))
            copies = (_copy_of(arrays, side, shard, rows) for shard in range(plan.shards))
            merge(rows_of(base, rows), copies, is_mean=side == SHARED)
    if plan.hyperparameters.user_alpha > 0:
        _penalise_own(arrays, plan, piece)


def _penalise_own(arrays: Arrays, plan: Plan, piece: int) -> None:
    of_shards = penalties(arrays, plan)
    for shard in range(plan.shards):
        count = own_count(arrays, shard)
        rows = slice(count * piece // plan.pieces, count * (piece + 1) // plan.pieces)
        penalise(rows_of(parameters(arrays, f"{shard}/users"), rows), of_shards, shard)


def _copy_of(arrays: Arrays, side: str, shard: int, rows: slice) -> Parameters:
    if side == ITEMS:
        return rows_of(parameters(arrays, f"{shard}/{ITEMS}"), rows)
    first = own_count(arrays, shard)
    return rows_of(parameters(arrays, f"{shard}/users"), slice(first + rows.start, first + rows.stop))


def parameters(arrays: Arrays, name: str) -> Parameters:
    """Return the parameters of a name."""
    return Parameters(*(arrays[f"{name}/{part}"] for part in Parameters._fields))


def rows_of(given: Parameters, rows: slice) -> Parameters:
    """Return a view of some rows."""
    return Parameters(*(part[rows] for part in given))


def _copy(source: Parameters, target: Parameters) -> None:
    for values, place in zip(source, target, strict=True):
        place[...] = values


def _one_more(part: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([part, np.ones((1, *part.shape[1:]), np.float32)])


def _put(new: NewArray, name: str, values: NDArray[np.generic], dtype: type[np.generic]) -> None:
    new(name, values.shape, dtype)[...] = values


def _put_parameters(new: NewArray, name: str, given: Parameters) -> None:
    for part, values in zip(Parameters._fields, given, strict=True):
        _put(new, f"{name}/{part}", values, np.float32)


def _put_matrix(new: NewArray, name: str, matrix: sparse.csr_matrix) -> None:
    _put(new, f"{name}/data", matrix.data, np.float32)
    _put(new, f"{name}/indices", matrix.indices, np.int32)
    _put(new, f"{name}/indptr", matrix.indptr, np.int32)
    _put(new, f"{name}/shape", np.array(matrix.shape), np.int64)


def _matrix(arrays: Arrays, name: str) -> sparse.csr_matrix:
    data, indices, indptr, shape = (arrays[f"{name}/{part}"] for part in ("data", "indices", "indptr", "shape"))
    return sparse.csr_matrix((data, indices, indptr), shape=tuple(shape), copy=False)
