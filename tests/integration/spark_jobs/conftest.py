"""A Spark session for all tests of the jobs, and writers of tiny snapshots and run folders."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import Source
from nightjar.contract.progress import StageProgress
from nightjar.contract.repeat_rule import NEVER
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from spark_jobs.kept_frames import Keep, kept_in_files

AS_OF = datetime(2026, 1, 11, tzinfo=UTC)
SNAPSHOT_SCHEMAS = {
    "interactions": "event_id string, user_id string, item_id string, event_type string, value double, "
    "event_weight double, half_life_days double, occurred_at timestamp",
    "items": "item_id string, domain string, title string, is_available boolean",
    "item_features": "item_id string, feature string, weight double",
    "users": "user_id string, created_at timestamp",
    "user_features": "user_id string, feature string, weight double",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.extraJavaOptions", Settings.model_fields["spark_driver_java_options"].default)
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


@pytest.fixture(scope="session")
def as_of() -> datetime:
    return AS_OF


@pytest.fixture(scope="session")
def days_ago() -> Callable[[float], datetime]:
    return lambda days: AS_OF - timedelta(days=days)


@pytest.fixture(scope="session")
def rows() -> Callable[[DataFrame], list[tuple[Any, ...]]]:
    """Collect a frame as sorted tuples."""
    return lambda frame: sorted((tuple(row) for row in frame.collect()), key=repr)


@pytest.fixture
def snapshot(spark: SparkSession) -> Callable[..., dict[str, DataFrame]]:
    """Make the frames of a snapshot from rows by table; a table without rows is empty."""

    def make(**tables: list[tuple[Any, ...]]) -> dict[str, DataFrame]:
        return {name: spark.createDataFrame(tables.get(name, []), schema) for name, schema in SNAPSHOT_SCHEMAS.items()}

    return make


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Callable[[], Keep]]:
    """Make what keeps the frames of one call of `features`."""
    numbers = count()
    with ExitStack() as kept:
        progress = cast(StageProgress, SimpleNamespace(doing=""))
        yield lambda: kept.enter_context(kept_in_files(tmp_path / f"kept{next(numbers)}", progress))


@pytest.fixture
def feature_arguments() -> Callable[..., Namespace]:
    """Make the arguments of build_features: plain values unless given."""

    def make(**given: Any) -> Namespace:
        plain = {
            "as_of": AS_OF,
            "min_feature_support": 1,
            "max_feature_weight": 10.0,
            "recency_rank_power": 0.0,
            "holdout": "newest",
            "holdout_fraction": 0.5,
            "cold_holdout_fraction": 0.0,
            "domain_holdout_fraction": 0.0,
            "popularity_half_life_days": 0.0,
            "min_segment_users": 2,
            "popular_k": 3,
            "repeat_after_days": NEVER,
            "seed": 7,
        }
        return Namespace(**{**plain, **given})

    return make


@pytest.fixture
def write_run_folder(tmp_path: Path) -> Callable[..., RunFolder]:
    """Write what scoring reads: items, popularity, a model, and (for the whole job) users, segments and seen."""

    def write(
        items: list[tuple[str, str, bool]],
        item_vectors: list[list[float]] | np.ndarray,
        popular: list[tuple[str, str, int, int, float]],
        *,
        item_biases: list[float] | None = None,
        item_sources: list[int] | None = None,
        user_vectors: list[list[float]] | np.ndarray,
        user_sources: list[int] | None = None,
        segments: list[tuple[int, str]] = (),  # type: ignore[assignment]
        seen: list[tuple[int, int, int]] = (),  # type: ignore[assignment]
        others: tuple[Source, ...] = (),
    ) -> RunFolder:
        folder = RunFolder(tmp_path / f"run{len(list(tmp_path.iterdir()))}")
        users = [f"u{index:05d}" for index in range(len(user_vectors))]
        _write(
            folder.features("item_ids"),
            [(i, *item) for i, item in enumerate(items)],
            {"item_index": pa.int32(), "item_id": pa.string(), "domain": pa.string(), "is_available": pa.bool_()},
        )
        _write(
            folder.features("popularity"),
            popular,
            {
                "segment": pa.string(),
                "domain": pa.string(),
                "rank": pa.int32(),
                "item_index": pa.int32(),
                "score": pa.float64(),
            },
        )
        _write(
            folder.features("user_ids"),
            list(enumerate(users)),
            {"user_index": pa.int32(), "user_id": pa.string()},
        )
        _write(folder.features("user_segments"), segments, {"user_index": pa.int32(), "segment": pa.string()})
        _write(
            folder.features("seen"),
            seen,
            {"user_index": pa.int32(), "item_index": pa.int32(), "recency": pa.int32()},
        )
        _write(
            folder.features("full_interactions"),
            _liked(seen),
            {"user_index": pa.int32(), "item_index": pa.int32(), "weight": pa.float64(), "newest_rank": pa.int32()},
        )
        trained = Embeddings(
            user_ids=np.array(users, object),
            item_ids=np.array([item[0] for item in items], object),
            user_vectors=np.asarray(user_vectors, np.float32),
            user_biases=np.zeros(len(users), np.float32),
            item_vectors=np.asarray(item_vectors, np.float32),
            item_biases=np.asarray(item_biases or [0.0] * len(items), np.float32),
            user_sources=np.asarray(user_sources or [2] * len(users), np.int8),
            item_sources=np.asarray(item_sources or [2] * len(items), np.int8),
        )
        model_folder.save(ModelSources(trained, others), folder.model)
        return folder

    return write


def _liked(seen: list[tuple[int, int, int]]) -> list[tuple[int, int, float, int]]:
    """Return what users like of what they saw: the n-th newest item weighs 1/n, every fifth is not liked.

    An item liked last need not be the one seen last: two and two of a user have each other's place.
    """
    of_users: dict[int, list[tuple[int, int]]] = {}
    for user, item, recency in sorted(seen):
        if recency % 5:
            of_users.setdefault(user, []).append((recency, item))
    return [
        (user, item, 1.0 / recency, min(place ^ 1, len(items) - 1) + 1)
        for user, items in of_users.items()
        for place, (recency, item) in enumerate(sorted(items))
    ]


def _write(folder: Path, rows: Any, types: dict[str, pa.DataType]) -> None:
    folder.mkdir(parents=True)
    columns = list(zip(*rows, strict=True)) or [[] for _ in types]
    table = pa.table(
        {name: pa.array(column, kind) for (name, kind), column in zip(types.items(), columns, strict=True)}
    )
    pq.write_table(table, folder / "part-0.parquet")
