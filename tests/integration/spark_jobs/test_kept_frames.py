"""What build_features keeps between its datasets."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame, SparkSession

from nightjar.contract.progress import StageProgress
from spark_jobs.kept_frames import kept_in_files


def test_a_frame_kept_in_files_has_its_rows_and_no_past(
    spark: SparkSession, rows: Callable[[DataFrame], list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    progress = SimpleNamespace(doing="")
    given = spark.createDataFrame([(2, None), (1, "b")], "number int, text string").filter("number > 0")
    with kept_in_files(tmp_path / ".kept", cast(StageProgress, progress)) as keep:
        kept = keep("numbers", given)
        assert progress.doing == "numbers"
        assert rows(kept) == [(1, "b"), (2, None)]
        assert kept.schema == given.schema
        assert {Path(file).parent.name for file in kept.inputFiles()} == {"numbers"}
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_frames_where_the_work_fails(spark: SparkSession, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="afterwards"),
        kept_in_files(tmp_path / "kept", cast(StageProgress, SimpleNamespace(doing=""))) as keep,
    ):
        keep("numbers", spark.range(2))
        raise ValueError("afterwards")
    assert list(tmp_path.iterdir()) == []
