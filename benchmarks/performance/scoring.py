"""Recommendations for all users as a Spark worker computes them, beside the bare matrix product and other libraries."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from implicit.cpu.als import AlternatingLeastSquares
from lightfm import LightFM
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.performance.timing import seconds_each
from ml.data.training_data import read_training_data
from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.run_folder import RunFolder
from nightjar.ranking.blend import blend_of
from nightjar.ranking.catalogue import Catalogue, load_catalogue
from nightjar.ranking.recommendation_rows import recommend_to_block

_BLOCK_USERS, _K = 1024, 10
# All users would take too long. Whole blocks, as in a run.
_MOST_USERS, _PREDICTED_USERS = 20 * _BLOCK_USERS, 50


def scoring_seconds(run_folder: Path, repeats: int) -> dict[str, float]:
    """Return the seconds of each way to rank all items for (the first 20,480) users, on one thread.

    Features are loaded beforehand.
    """
    folder = RunFolder(run_folder)
    items = load_catalogue(str(run_folder))
    alone = ModelSources(model_folder.mapped(folder.model).embeddings)
    blocks = _blocks(folder)
    vectors, of_users = items.blend.vectors.astype(np.float32), items.user_vectors[LIGHTFM][:_MOST_USERS]
    users = np.column_stack([of_users, np.ones(len(of_users), np.float32)])

    def recommendations(of: Catalogue) -> Callable[[], object]:
        return lambda: [recommend_to_block(block, seen, of, _K) for block, seen in blocks]

    def product() -> None:
        for start in range(0, len(users), _BLOCK_USERS):
            users[start : start + _BLOCK_USERS] @ vectors.T

    works = {
        "bare product": product,
        "implicit's recommend": _implicit(users, vectors, folder),
        "Nightjar, embeddings alone": recommendations(replace(items, blend=blend_of(alone))),
        "Nightjar, blended as published": recommendations(items),
    }
    with threadpool_limits(1):
        seconds_of = seconds_each(works, repeats)
        predicted = seconds_each({"LightFM.predict": _predict(folder)}, repeats)
    return seconds_of | {name: seconds * len(users) / _PREDICTED_USERS for name, seconds in predicted.items()}


def _predict(folder: RunFolder) -> Callable[[], object]:
    """LightFM's own prediction for some users, with the features of the run's model, untrained."""
    data = read_training_data(folder.features_folder)
    model = LightFM(no_components=model_folder.mapped(folder.model).embeddings.item_vectors.shape[1])
    model.fit_partial(data.full.tocoo(), data.user_features, data.item_features, epochs=0)
    all_items = np.arange(len(data.item_ids), dtype=np.int32)

    def predict() -> None:
        for user in range(_PREDICTED_USERS):
            scores = model.predict(user, all_items, data.item_features, data.user_features, num_threads=1)
            np.argpartition(-scores, _K)

    return predict


def _blocks(folder: RunFolder) -> list[tuple[pa.Table, pa.Table]]:
    """The inputs of `recommend_to_block`, block by block, as Spark's cogroup hands them over."""
    session = duckdb.connect()

    def files(name: str) -> str:
        return str(folder.features(name) / "*.parquet")

    users = session.sql(
        "select u.user_index, u.user_id, s.segment from read_parquet(?) u left join read_parquet(?) s "
        "using (user_index) order by user_index",
        params=[files("user_ids"), files("user_segments")],
    ).to_arrow_table()
    seen = session.sql(
        "select s.user_index, s.item_index, s.recency, i.weight from read_parquet(?) s left join read_parquet(?) i "
        "using (user_index, item_index) order by s.user_index",
        params=[files("seen"), files("full_interactions")],
    ).to_arrow_table()
    owners = seen["user_index"].to_numpy()
    starts = range(0, min(users.num_rows, _MOST_USERS), _BLOCK_USERS)
    edges = np.searchsorted(owners, [*starts, starts.stop])
    return [
        (users.slice(start, _BLOCK_USERS), seen.slice(edges[n], edges[n + 1] - edges[n]))
        for n, start in enumerate(starts)
    ]


def _implicit(users: np.ndarray, items: np.ndarray, folder: RunFolder) -> Callable[[], object]:
    with threadpool_limits(1):
        # It warns of BLAS threads when it is created.
        model = AlternatingLeastSquares(factors=users.shape[1], num_threads=1)
    model.user_factors, model.item_factors = users, items
    pairs = duckdb.execute(
        "select user_index, item_index from read_parquet(?) where user_index < ?",
        [str(folder.features("seen") / "*.parquet"), len(users)],
    ).fetchnumpy()
    seen = sparse.csr_matrix(
        (np.ones(len(pairs["user_index"]), np.float32), (pairs["user_index"], pairs["item_index"])),
        shape=(len(users), len(items)),
    )
    everyone = np.arange(len(users))

    def recommend() -> None:
        for start in range(0, len(users), _BLOCK_USERS):
            chosen = everyone[start : start + _BLOCK_USERS]
            model.recommend(chosen, seen[chosen], N=_K, filter_already_liked_items=True)

    return recommend
