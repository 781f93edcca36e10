"""The model of a run as MLflow loads it: `mlflow.pyfunc.load_model` calls `_load_pyfunc` on the artifact's folder.

Reads a folder of `nightjar.contract.artifacts.ranking_folder`; neither a warehouse nor a home. Every registered version
names this module in its `MLmodel`: moving it makes them unreadable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.artifacts.embeddings import UNKNOWN, check_manifest
from nightjar.contract.artifacts.ranking_folder import RankingRules, read_rules
from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.ranking.catalogue import Catalogue, Indices, read_catalogue
from nightjar.ranking.recommendation_rows import recommend_to_block

USER_ID = "user_id"
_USERS_AT_ONCE = 1_024


@dataclass(frozen=True)
class RegisteredModel:
    """Answers user ids with their recommendations, for known users those that the run published.

    Attributes:
        catalogue: of the run.
        rules: of the run's lists.
        user_ids: the run's users, in the order of their indices.
        segments: (users,) text, None for a user without a segment.
        seen: user_index, item_index, recency, weight and, where the features have them, days_since, by user and
            recency.
        seen_starts: (users + 1,) first row of each user in `seen`.
    """

    catalogue: Catalogue
    rules: RankingRules
    user_ids: pd.Index
    segments: NDArray[np.object_]
    seen: pa.Table
    seen_starts: Indices

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Return the recommendations of some users, in their order; who is requested twice is answered once.

        An id that the run does not know gets the popular items.

        Args:
            model_input: a DataFrame with the column user_id, or a list or array of ids.
            params: there are none; MLflow hands over what its caller gives.

        Returns:
            user_id, domain, rank, item_id, score, source, contributions, reason_item_id; the rows of a user by domain
            and rank.

        Raises:
            BadInput: the input has no such column, or an id is no text.
        """
        ids = list(dict.fromkeys(_user_ids_of(model_input)))
        # An empty block gives an empty table its columns.
        starts = range(0, max(len(ids), 1), _USERS_AT_ONCE)
        # One thread, as in the Spark job: more would change last bits.
        with threadpool_limits(1):
            return pa.concat_tables([self._rows(ids[start : start + _USERS_AT_ONCE]) for start in starts]).to_pandas()

    def _rows(self, ids: Sequence[str]) -> pa.Table:
        index = self.user_ids.get_indexer(pd.Index(ids, dtype=object)).astype(np.int64)
        is_known = index >= 0
        known = np.sort(index[is_known])
        strangers = np.array(ids, object)[~is_known]
        tables = [
            self._recommend(self.catalogue, known, self.user_ids.to_numpy()[known], self.segments[known]),
            self._recommend(
                _of_strangers(self.catalogue, len(strangers)),
                np.arange(len(strangers)),
                strangers,
                np.full(len(strangers), None, object),
                are_known=False,
            ),
        ]
        rows = pa.concat_tables(tables)
        place = pd.Index(ids, dtype=object).get_indexer(rows[USER_ID].to_numpy(zero_copy_only=False))
        return rows.take(pa.array(np.argsort(place, kind="stable")))

    def _recommend(
        self,
        catalogue: Catalogue,
        users: Indices,
        ids: NDArray[np.object_],
        segments: NDArray[np.object_],
        *,
        are_known: bool = True,
    ) -> pa.Table:
        block = pa.table(
            {
                "user_index": pa.array(users, pa.int32()),
                USER_ID: pa.array(ids, pa.string()),
                "segment": pa.array(segments, pa.string()),
            }
        )
        seen = self._seen(users if are_known else users[:0])
        rules = self.rules
        return recommend_to_block(block, seen, catalogue, rules.top_k, rules.diversity_weight, rules.repeats)

    def _seen(self, users: Indices) -> pa.Table:
        """Return the seen rows of some users of the run, ascending."""
        starts, counts = self.seen_starts[users], np.diff(self.seen_starts)[users]
        places = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
        return self.seen.take(pa.array(places, pa.int64()))


def _of_strangers(catalogue: Catalogue, count: int) -> Catalogue:
    """Return the catalogue with users whom the model does not know in the place of its own."""
    vectors = {
        name: np.zeros((count, of_users.shape[1]), np.float32) for name, of_users in catalogue.user_vectors.items()
    }
    return replace(catalogue, user_vectors=vectors, user_sources=np.full(count, UNKNOWN, np.int8))


def _load_pyfunc(path: str) -> RegisteredModel:
    """Load the model of a folder; MLflow calls it with the path of the artifact.

    Raises:
        NightjarError: a file of the model is missing or differs from the manifest.
    """
    folder = RunFolder(Path(path))
    check_manifest(folder.model)
    users = pq.read_table(folder.features("user_ids")).sort_by("user_index")
    segments = np.full(users.num_rows, None, object)
    of_users = pq.read_table(folder.features("user_segments"))
    segments[of_users["user_index"].to_numpy()] = of_users["segment"].to_numpy(zero_copy_only=False)
    seen = _seen_with_weights(folder)
    starts = np.searchsorted(seen["user_index"].to_numpy(), np.arange(users.num_rows + 1))
    return RegisteredModel(
        read_catalogue(folder),
        read_rules(folder.path),
        pd.Index(users[USER_ID].to_numpy(zero_copy_only=False), dtype=object),
        segments,
        seen,
        starts,
    )


def _seen_with_weights(folder: RunFolder) -> pa.Table:
    """Return the seen pairs with weight and newest rank of those that have them, by user and recency."""
    pair = ["user_index", "item_index"]
    interactions = pq.read_table(folder.features("full_interactions"))
    joined = pq.read_table(folder.features("seen")).join(interactions, pair, join_type="left outer")
    return joined.sort_by([("user_index", "ascending"), ("recency", "ascending")]).combine_chunks()


def _user_ids_of(model_input: Any) -> list[str]:
    if isinstance(model_input, pd.DataFrame):
        if USER_ID not in model_input.columns:
            raise BadInput(
                f"the input has the columns {list(model_input.columns)}: expected {USER_ID}",
                code="missing_columns",
                columns=[USER_ID],
                value=list(model_input.columns),
            )
        model_input = model_input[USER_ID]
    # A text alone is one id, not its letters.
    is_one = isinstance(model_input, (str, bytes, Mapping)) or not isinstance(model_input, Iterable)
    ids = [model_input] if is_one else list(model_input)
    for place, each in enumerate(ids):
        if not isinstance(each, str):
            raise BadInput(
                f"{each!r} (row {place}) is no user id: expected texts",
                code="not_a_user_id",
                row=place,
                value=each,
            )
    return ids
