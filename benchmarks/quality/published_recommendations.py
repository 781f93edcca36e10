"""Nightjar's recommendations as readers see them: import the training part into a home of its own, run, query.

Writes a home below the work folder; reads `recs.recommendations_current` of its warehouse.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.quality.evaluation import K
from benchmarks.quality.events import Events
from nightjar.contract.settings import variable

_ATTRIBUTES = ("items", "item_features", "users", "user_features")
_RECOMMENDATIONS = """
select user_id, item_id, row_number() over (partition by user_id order by rank, domain) as place
from recs.recommendations_current
"""
_FIT_SECONDS = """
select sum(fit_seconds) from recs.model_sources
where publication_id = (select publication_id from recs.current_publication)
"""


def publish(base: Path, home: Path, train: Events, settings: Mapping[str, str]) -> None:
    """Import the training part and run the date of its newest event.

    Args:
        base: warehouse file with the whole data set.
        home: the home to create; where its run was published before, it stays as it is.
        train: the events to import.
        settings: values by name; the others are the defaults.

    Raises:
        CalledProcessError: a command failed, or a gate refused; see `run.log` in the home.
    """
    if is_published(home):
        return
    files = _write_files(base, home / "files", train)
    date = datetime.fromtimestamp(int(train.micros.max()) / 1e6, UTC).date()
    options = [part for name, path in files.items() for part in (f"--{name.replace('_', '-')}", str(path))]
    home.mkdir(parents=True, exist_ok=True)
    variables = {variable(name): value for name, value in settings.items()}
    with (home / "run.log").open("w", encoding="utf-8") as log:
        for arguments in (["import", "files", *options], ["run", "--date", str(date)]):
            command = [str(Path(sys.executable).parent / "nightjar"), *arguments]
            environment = {**os.environ, **variables, "NIGHTJAR_HOME": str(home)}
            subprocess.run(command, env=environment, stdout=log, stderr=log, check=True)


def published_recommendations(home: Path, train: Events, users: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first K published items of each user: (users, K) item indices, -1 where there are fewer."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(_RECOMMENDATIONS).fetchnumpy()
    kept = (rows["place"] <= K) & np.isin(rows["user_id"], train.user_ids[users].astype(str))
    row = np.searchsorted(train.user_ids[users].astype(str), rows["user_id"][kept].astype(str))
    recommended = np.full((len(users), K), -1, np.int64)
    recommended[row, rows["place"][kept] - 1] = _item_numbers(train.item_ids, rows["item_id"][kept])
    return recommended


def fit_seconds(home: Path) -> float:
    """Return the seconds of the fits of all sources of the current publication."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        row = connection.execute(_FIT_SECONDS).fetchone()
    return float(row[0]) if row and row[0] is not None else float("nan")


def _item_numbers(item_ids: NDArray[np.object_], listed: NDArray[np.object_]) -> NDArray[np.int64]:
    # An item without any event in the whole data set is in nobody's truth, but keeps its rank.
    numbers = {item: number for number, item in enumerate(item_ids)}
    return np.array([numbers.get(item, -1) for item in listed], np.int64)


def is_published(home: Path) -> bool:
    """Whether a run was published in a home."""
    if not (home / "warehouse.duckdb").exists():
        return False
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        row = connection.execute("select count(*) from recs.current_publication").fetchone()
    return row is not None and row[0] > 0


def _write_files(base: Path, folder: Path, train: Events) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.parquet" for name in ("interactions", *_ATTRIBUTES)}
    with duckdb.connect(str(base), read_only=True) as connection:
        connection.register("train", pa.table({"event_id": pa.array(train.event_ids, pa.string())}))
        connection.execute(
            "copy (select * exclude ingested_at from raw.interactions where event_id in (from train) order by all) "
            f"to '{files['interactions']}' (format parquet)"
        )
        for name in _ATTRIBUTES:
            connection.execute(f"copy (from raw.{name} order by all) to '{files[name]}' (format parquet)")
        empty = [
            name for name in _ATTRIBUTES if connection.execute(f"select count(*) from raw.{name}").fetchone() == (0,)
        ]
    return {name: path for name, path in files.items() if name not in empty}
