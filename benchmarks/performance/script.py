"""What a team would write instead of Nightjar: pandas, one library's model, the best items of each user, one file.

`python -m benchmarks.performance.script MODEL INTERACTIONS TARGET` is such a script, from the file of interactions to
that of recommendations. It has no gate, no history and no second source, and knows no new user and no new item.
"""

import os
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder

K = 10
_DIMENSIONS, _BLOCK = 64, 1024
# EASE inverts a matrix of items x items: 27,000 would take 6 GB and most of an hour.
_MOST_ITEMS_OF_EASE = 10_000
_EASE_PENALTY = 500.0
_NAMES = {"als": "a script with implicit's ALS", "ease": "a script with EASE in numpy"}


def recommend(model: str, interactions: pd.DataFrame) -> pd.DataFrame:
    """Fit one model on pairs of user and item and return the best new items of each user.

    Args:
        model: `als` or `ease`.
        interactions: columns `user_id`, `item_id`.

    Returns:
        columns `user_id`, `item_id`, `rank` from 1.
    """
    users, items = (interactions[column].astype("category") for column in ("user_id", "item_id"))
    entries = np.ones(len(interactions), np.float32), (users.cat.codes, items.cat.codes)
    pairs = sparse.csr_matrix(entries, shape=(len(users.cat.categories), len(items.cat.categories)))
    best = _best_by_als(pairs) if model == "als" else _best_by_ease(pairs)
    # A user who knows nearly all items has a shorter list.
    rows, places = np.nonzero(best >= 0)
    return pd.DataFrame(
        {
            "user_id": users.cat.categories[rows],
            "item_id": items.cat.categories[best[rows, places]],
            "rank": places + 1,
        }
    )


def _best_by_als(pairs: sparse.csr_matrix) -> NDArray[np.int64]:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=_DIMENSIONS, random_state=1)
    model.fit(pairs, show_progress=False)
    best, scores = model.recommend(np.arange(pairs.shape[0]), pairs, N=min(K, pairs.shape[1]))
    # What a user has already has the least score there is.
    return np.where(scores > np.finfo(np.float32).min, best, -1)


def _best_by_ease(pairs: sparse.csr_matrix) -> NDArray[np.int64]:
    inverse = np.linalg.inv((pairs.T @ pairs).toarray() + _EASE_PENALTY * np.eye(pairs.shape[1], dtype=np.float32))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    best = []
    for start in range(0, pairs.shape[0], _BLOCK):
        own = pairs[start : start + _BLOCK]
        scores = own @ weights
        scores[own.nonzero()] = -np.inf
        of_block = np.argpartition(-scores, min(K, scores.shape[1] - 1), axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(scores, of_block, axis=1), axis=1)
        of_block = np.take_along_axis(of_block, order, axis=1)
        best.append(np.where(np.take_along_axis(scores, of_block, axis=1) > -np.inf, of_block, -1))
    return np.concatenate(best)


def main() -> None:
    """Read the interactions, recommend, write the file."""
    parser = ArgumentParser(prog="benchmarks.performance.script")
    parser.add_argument("model", choices=("als", "ease"))
    parser.add_argument("interactions", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    interactions = pd.read_parquet(arguments.interactions, columns=["user_id", "item_id"])
    recommend(arguments.model, interactions.drop_duplicates()).to_parquet(arguments.target)


def script_costs(run_folder: Path, interactions: Path) -> dict[str, dict[str, Any]]:
    """Return seconds, peak bytes and recall@10 of the script by model, and the recall of the run's own model.

    The script reads what was imported; for recall it reads the pairs that the run's evaluation trained on, and is
    asked for what the run held out.

    Args:
        run_folder: of a run with features.
        interactions: Parquet file that the run's home was imported from.
    """
    folder = RunFolder(run_folder)
    items = duckdb.execute("select count(*) from read_parquet(?)", [_files(folder, "item_ids")]).fetchall()[0][0]
    models = ["als", *(["ease"] if items <= _MOST_ITEMS_OF_EASE else [])]
    costs: dict[str, dict[str, Any]] = {"Nightjar": {"recall": _recall_of_run(folder)}}
    with TemporaryDirectory() as work:
        train = Path(work) / "train.parquet"
        duckdb.execute(f"copy ({_pairs(folder, 'train_interactions')}) to '{train}' (format parquet)")
        for model in models:
            target = Path(work) / f"{model}.parquet"
            seconds, peak = _run(model, interactions, target)
            _run(model, train, target)
            costs[_NAMES[model]] = {"seconds": seconds, "peak": peak, "recall": _recall(folder, target)}
    return costs


def _run(model: str, interactions: Path, target: Path) -> tuple[float, int]:
    command = [sys.executable, "-m", "benchmarks.performance.script", model, str(interactions), str(target)]
    # As implicit asks of who fits with its own threads.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=REPOSITORY)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - started, _bytes(used)


def _bytes(used: resource.struct_rusage) -> int:
    # Linux counts kibibytes, macOS bytes.
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _pairs(folder: RunFolder, name: str) -> str:
    """Return the query of the pairs of a dataset by their ids."""
    return (
        f"select user_id, item_id from read_parquet('{_files(folder, name)}') "
        f"join read_parquet('{_files(folder, 'user_ids')}') using (user_index) "
        f"join read_parquet('{_files(folder, 'item_ids')}') using (item_index)"
    )


def _recall(folder: RunFolder, recommended: Path) -> float:
    """Return the mean recall@10 over the users with training pairs and something held out."""
    row = duckdb.execute(
        f"""
        with truth as ({_pairs(folder, "holdout")}),
        of_users as (
            select count(r.item_id) / least(count(*), {K}) as recall
            from truth left join read_parquet('{recommended}') r using (user_id, item_id) group by user_id
        )
        select avg(recall) from of_users
        """
    ).fetchone()
    return float(row[0]) if row else float("nan")


def _recall_of_run(folder: RunFolder) -> float:
    row = duckdb.execute(
        f"select value from read_parquet('{folder.output('model_metrics') / '*.parquet'}') "
        "where (model, slice, metric) = ('nightjar', 'all', 'recall')"
    ).fetchone()
    return float(row[0]) if row else float("nan")


def _files(folder: RunFolder, name: str) -> str:
    return str(folder.features(name) / "*.parquet")


if __name__ == "__main__":
    main()
