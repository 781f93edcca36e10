"""Users, items, interactions and features of one run as scipy matrices.

Reads the feature tables that the Spark job build_features wrote; used by the stages that fit and evaluate. Rows are
brought into the order of the indices, so that nothing depends on how Spark partitioned its files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.artifacts.sources import History
from nightjar.contract.choice_windows import MAX_CHOICE_WINDOWS, choice_prefix
from nightjar.contract.errors import NightjarError
from nightjar.contract.tables import EVERYONE
from nightjar.contract.trending import TRENDING_HALF_LIVES_DAYS
from nightjar.ranking.catalogue import PopularityList, PopularityLists, popularity_lists

RARE_SUFFIX = ":(rare)"
IDENTITY_PREFIX = "id:"
# In brackets, because a source may have a kind `title` of its own.
TITLE_PREFIX = "(title):"


@dataclass(frozen=True)
class Popularity:
    """What all users like, by the pairs of one part of the data.

    Attributes:
        lists: the popularity lists; those of segment `all` rank every item that may be recommended.
        trending: (items,) float32 by half-life in days, scores by the newest events.
    """

    lists: PopularityLists
    trending: Mapping[float, NDArray[np.float32]]

    def of_everyone(self, items: int) -> NDArray[np.float32]:
        """(items,) scores of the lists of all users; 0 for an item that is in none."""
        scores = np.zeros(items, np.float32)
        for of_domain in self.lists.values():
            scores[of_domain[EVERYONE].items] = of_domain[EVERYONE].scores
        return scores


def popularity_by_users(
    pairs: sparse.csr_matrix, domains: NDArray[np.object_], item_ids: NDArray[np.object_]
) -> Popularity:
    """Return lists of all users that rank every item by its number of users, ties by id: without times and segments.

    Args:
        pairs: (users, items) CSR.
        domains: (items,) text.
        item_ids: (items,) text.
    """
    users = pairs.getnnz(axis=0).astype(np.float32)
    order = np.lexsort((item_ids.astype(str), -users))
    by_domain = {name: order[domains[order] == name] for name in sorted(set(domains.tolist()))}
    lists = {name: {EVERYONE: PopularityList(items, users[items])} for name, items in by_domain.items()}
    return Popularity(lists, dict.fromkeys(TRENDING_HALF_LIVES_DAYS, users))


@dataclass(frozen=True)
class ChoiceWindow:
    """A window by which blend weights are chosen: the split of the run applied once more to a training part.

    Attributes:
        train: (users, items) float32 CSR, weight of the positive pairs before the window.
        train_ranks: (users, items) float32 CSR of these pairs, 1 for a user's newest.
        holdout: (users, items) float32 CSR of ones, the pairs of the window.
        train_seen: as of `TrainingData`.
        train_popularity: as of `TrainingData`.
        repeatable: as of `TrainingData`.
    """

    train: sparse.csr_matrix
    train_ranks: sparse.csr_matrix
    holdout: sparse.csr_matrix
    train_seen: sparse.csr_matrix | None = None
    train_popularity: Popularity | None = None
    repeatable: sparse.csr_matrix | None = None


@dataclass(frozen=True)
class TrainingData:
    """What a model is trained and evaluated on; row u is `user_ids[u]`, column i is `item_ids[i]`.

    Attributes:
        user_ids: (users,) text ids.
        item_ids: (items,) text ids.
        item_domains: (items,) text.
        is_available: (items,) whether the item may be recommended.
        full: (users, items) float32 CSR, weight of every positive pair.
        train: (users, items) float32 CSR, the same without the holdout.
        holdout: (users, items) float32 CSR of ones, the truth.
        shown: (users, items) float32 CSR, recency (1 is the newest) of the items by which users out of train
            are folded in.
        user_features: (users, user features) float32 CSR, identity included.
        item_features: (items, item features) float32 CSR, identity included.
        user_feature_names: (user features,) text.
        item_feature_names: (item features,) text.
        repeatable: (users, items) float32 CSR, 1 for a pair of `train` or `fold_in_recency` that may be recommended
            again at the cut between them and the holdout, 2 where the user consumed it again (it is in `holdout`, too).
            None: there is none.
        train_seen: (users, items) float32 CSR of ones, what users had seen at the cut without a positive event.
            None: nothing.
        segments: (users,) text, None for a user without a segment.
        train_popularity: by the pairs of `train`; the lists hold the items of the holdout, too. None: by users alone.
        full_popularity: by the pairs of `full`, likewise.
        full_ranks: (users, items) float32 CSR of the pairs of `full`, 1 for a user's newest, 2 for the one before, ...
            None: all are equally new.
        train_ranks: likewise, of `train`.
        item_vectors: (items, dimensions) float32, outputs of encoders, reduced; of each kind a row is 1 long, or 0
            where the item has none. None: no item has one.
        choices: windows by which weights are chosen, the newest first; without any they stay as they are.
    """

    user_ids: NDArray[np.object_]
    item_ids: NDArray[np.object_]
    item_domains: NDArray[np.object_]
    is_available: NDArray[np.bool_]
    full: sparse.csr_matrix
    train: sparse.csr_matrix
    holdout: sparse.csr_matrix
    fold_in_recency: sparse.csr_matrix
    user_features: sparse.csr_matrix
    item_features: sparse.csr_matrix
    user_feature_names: NDArray[np.object_]
    item_feature_names: NDArray[np.object_]
    repeatable: sparse.csr_matrix | None = field(default=None, kw_only=True)
    train_seen: sparse.csr_matrix | None = field(default=None, kw_only=True)
    segments: NDArray[np.object_] | None = field(default=None, kw_only=True)
    train_popularity: Popularity | None = field(default=None, kw_only=True)
    full_popularity: Popularity | None = field(default=None, kw_only=True)
    full_ranks: sparse.csr_matrix | None = field(default=None, kw_only=True)
    train_ranks: sparse.csr_matrix | None = field(default=None, kw_only=True)
    item_vectors: NDArray[np.float32] | None = field(default=None, kw_only=True)
    choices: tuple[ChoiceWindow, ...] = field(default=(), kw_only=True)

    @property
    def train_part(self) -> "TrainingPart":
        """What the evaluated model is fitted on."""
        return self._part(self.train, self.train_ranks, self.train_popularity)

    @property
    def full_part(self) -> "TrainingPart":
        """What the published model is fitted on."""
        return self._part(self.full, self.full_ranks, self.full_popularity)

    def before(self, window: ChoiceWindow) -> "TrainingData":
        """Return the data whose holdout is a choice window; nothing of the run's holdout is in them."""
        parts = {each.name: getattr(window, each.name) for each in fields(window)}
        nobody = sparse.csr_matrix(self.train.shape, dtype=np.float32)
        return replace(self, fold_in_recency=nobody, choices=(), **parts)

    def _part(
        self, pairs: sparse.csr_matrix, ranks: sparse.csr_matrix | None, popularity: Popularity | None
    ) -> "TrainingPart":
        history = History.unordered(pairs) if ranks is None else History(pairs, ranks)
        return TrainingPart(self, history, popularity or popularity_by_users(pairs, self.item_domains, self.item_ids))

    @cached_property
    def competes(self) -> NDArray[np.bool_]:
        """(items,) what evaluation may recommend: available items, and those of the holdout, available until then."""
        return np.asarray(self.is_available | (self.holdout.getnnz(axis=0) > 0))

    @cached_property
    def user_segments(self) -> NDArray[np.object_]:
        """(users,) text, None for a user without a segment."""
        return np.full(len(self.user_ids), None, object) if self.segments is None else self.segments

    @cached_property
    def left_out(self) -> sparse.csr_matrix:
        """(users, items) CSR of what evaluation may not recommend: what users had seen, unless it may be repeated."""
        return self.left_out_with(self.train)

    def left_out_with(self, history: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return what may not be recommended to users of this history, (users, items) CSR, as `left_out`."""
        if self.repeatable is not None:
            history = (history - history.multiply(self.repeatable.sign())).tocsr()
        return history if self.train_seen is None else (history + self.train_seen).tocsr()

    @cached_property
    def repeated(self) -> sparse.csr_matrix | None:
        """(users, items) CSR of ones: what users consumed again, of what may be recommended again."""
        return None if self.repeatable is None else (self.repeatable > 1).astype(np.float32).tocsr()


@dataclass(frozen=True)
class TrainingPart:
    """What one fit sees.

    Attributes:
        data: ids and features of users and items.
        history: weight and newest rank of the positive pairs.
        popularity: of these pairs.
    """

    data: TrainingData
    history: History
    popularity: Popularity

    @property
    def pairs(self) -> sparse.csr_matrix:
        """(users, items) float32 CSR, weight of the positive pairs."""
        return self.history.weights


def read_training_data(features: Path) -> TrainingData:
    """Read the feature tables, one folder each, below a folder.

    Raises:
        NightjarError: a table is missing, its indices have gaps or repeat, or a value is negative or not finite.
    """
    users = _indexed(features, "user_ids", "user_index")
    items = _indexed(features, "item_ids", "item_index")
    user_names = _texts(_indexed(features, "user_feature_names", "feature_index"), "feature")
    item_names = _texts(_indexed(features, "item_feature_names", "feature_index"), "feature")
    shape = (users.num_rows, items.num_rows)
    return TrainingData(
        user_ids=_texts(users, "user_id"),
        item_ids=_texts(items, "item_id"),
        item_domains=_texts(items, "domain"),
        is_available=_flags(items, "is_available"),
        full=_matrix(features, "full_interactions", ("user_index", "item_index", "weight"), shape),
        train=_matrix(features, "train_interactions", ("user_index", "item_index", "weight"), shape),
        holdout=_matrix(features, "holdout", ("user_index", "item_index", None), shape),
        fold_in_recency=_matrix(features, "shown", ("user_index", "item_index", "recency"), shape),
        user_features=_matrix(
            features, "user_features", ("user_index", "feature_index", "value"), (shape[0], len(user_names))
        ),
        item_features=_matrix(
            features, "item_features", ("item_index", "feature_index", "value"), (shape[1], len(item_names))
        ),
        user_feature_names=user_names,
        item_feature_names=item_names,
        repeatable=_repeatable(features, shape),
        train_seen=_matrix(features, "train_seen", ("user_index", "item_index", None), shape),
        segments=_segments(features, shape[0]),
        train_popularity=_popularity(features, "train_popularity", "train_score", shape[1]),
        full_popularity=_popularity(features, "popularity", "score", shape[1]),
        full_ranks=_matrix(features, "full_interactions", ("user_index", "item_index", "newest_rank"), shape),
        train_ranks=_matrix(features, "train_interactions", ("user_index", "item_index", "newest_rank"), shape),
        choices=tuple(_choice_windows(features, shape)),
    )


def _choice_windows(features: Path, shape: tuple[int, int]) -> Iterator[ChoiceWindow]:
    pair = ("user_index", "item_index")
    for number in range(1, MAX_CHOICE_WINDOWS + 1):
        prefix = choice_prefix(number)
        # The first is always there; older ones where a cut in time left few users to judge.
        if number > 1 and not (features / f"{prefix}holdout").exists():
            return
        yield ChoiceWindow(
            train=_matrix(features, f"{prefix}train_interactions", (*pair, "weight"), shape),
            train_ranks=_matrix(features, f"{prefix}train_interactions", (*pair, "newest_rank"), shape),
            holdout=_matrix(features, f"{prefix}holdout", (*pair, None), shape),
            train_seen=_matrix(features, f"{prefix}train_seen", (*pair, None), shape),
            train_popularity=_popularity(features, f"{prefix}train_popularity", f"{prefix}train_score", shape[1]),
            repeatable=_repeatable(features, shape, f"{prefix}repeatable"),
        )


def read_availability(features: Path, item_ids: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether each item of a model may be recommended: (items,).

    Args:
        features: folder of the feature tables that the model was fitted on.
        item_ids: (items,) the model's items.

    Raises:
        NightjarError: the model's items are not those of the features.
    """
    items = _indexed(features, "item_ids", "item_index")
    if not np.array_equal(_texts(items, "item_id"), item_ids):
        raise NightjarError(
            f"the model has other items than {features / 'item_ids'}: run the stage fit_model again",
            code="model_of_other_features",
            path=features / "item_ids",
        )
    return _flags(items, "is_available")


def _table(features: Path, name: str) -> pa.Table:
    path = features / name
    try:
        return pq.read_table(path)
    except FileNotFoundError as error:
        raise NightjarError(
            f"{path} is missing: run the stage build_features first",
            code="missing_input",
            file=path,
            stage="build_features",
        ) from error


def _indexed(features: Path, name: str, index: str) -> pa.Table:
    table = _table(features, name).sort_by(index)
    if not np.array_equal(table.column(index).to_numpy(), np.arange(table.num_rows)):
        raise NightjarError(
            f"{features / name}: column {index} must count 0, 1, 2, ... without gaps",
            code="index_not_consecutive",
            file=features / name,
            column=index,
        )
    return table


def _texts(table: pa.Table, column: str) -> NDArray[np.object_]:
    texts: NDArray[np.object_] = table.column(column).to_numpy(zero_copy_only=False)
    return texts


def _flags(table: pa.Table, column: str) -> NDArray[np.bool_]:
    flags: NDArray[np.bool_] = table.column(column).to_numpy(zero_copy_only=False).astype(np.bool_)
    return flags


def _segments(features: Path, users: int) -> NDArray[np.object_]:
    table = _table(features, "user_segments")
    segments = np.full(users, None, object)
    segments[table.column("user_index").to_numpy()] = _texts(table, "segment")
    return segments


def _popularity(features: Path, lists: str, score: str, items: int) -> Popularity:
    scored = _table(features, "trending")
    half_lives = scored.column("half_life_days").to_numpy()
    trending = {}
    for days in TRENDING_HALF_LIVES_DAYS:
        of_half_life = scored.filter(pa.array(half_lives == days))
        trending[days] = np.zeros(items, np.float32)
        trending[days][of_half_life.column("item_index").to_numpy()] = of_half_life.column(score).to_numpy()
    order = [("segment", "ascending"), ("domain", "ascending"), ("rank", "ascending")]
    return Popularity(popularity_lists(_table(features, lists).sort_by(order)), trending)


def _repeatable(features: Path, shape: tuple[int, int], name: str = "repeatable") -> sparse.csr_matrix | None:
    # Written only where items may be recommended again.
    if not (features / name).exists():
        return None
    may_repeat = _matrix(features, name, ("user_index", "item_index", None), shape)
    return (may_repeat + _matrix(features, name, ("user_index", "item_index", "is_repeated"), shape)).tocsr()


def _matrix(
    features: Path, name: str, columns: tuple[str, str, str | None], shape: tuple[int, int]
) -> sparse.csr_matrix:
    row_column, entry_column, value_column = columns
    table = _table(features, name)
    rows, entries = table.column(row_column).to_numpy(), table.column(entry_column).to_numpy()
    if value_column is None:
        values = np.ones(table.num_rows, dtype=np.float32)
    else:
        values = pc.cast(table.column(value_column), pa.float64()).to_numpy()
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            raise NightjarError(
                f"{features / name}: column {value_column} has {wrong.sum():,} values that are negative or not "
                f"finite, the first at {row_column} {rows[wrong][0]}",
                code="value_out_of_range",
                file=features / name,
                column=value_column,
                count=int(wrong.sum()),
                row=int(rows[wrong][0]),
            )
    for column, indices, size in ((row_column, rows, shape[0]), (entry_column, entries, shape[1])):
        if len(indices) and (indices.min() < 0 or indices.max() >= size):
            raise NightjarError(
                f"{features / name}: column {column} must lie in 0 to {size - 1}",
                code="value_out_of_range",
                file=features / name,
                column=column,
                expected=(0, size - 1),
            )
    matrix = sparse.csr_matrix((values, (rows, entries)), shape=shape)
    if matrix.nnz != len(values):
        repeated = len(values) - matrix.nnz
        raise NightjarError(
            f"{features / name}: {repeated:,} rows repeat the indices of another row",
            code="duplicate_rows",
            file=features / name,
            count=repeated,
        )
    matrix.sort_indices()
    return matrix
