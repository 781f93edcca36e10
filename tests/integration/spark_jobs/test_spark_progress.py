"""Lines of progress while Spark works."""

import re
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from pyspark import SparkStageInfo
from pyspark.sql import SparkSession

from nightjar.contract.progress import StageProgress
from spark_jobs.spark_progress import progress_line, progress_logged

DEADLINE_SECONDS = 60.0


def active(stage: int, tasks: int, done: int) -> SparkStageInfo:
    return SparkStageInfo(stage, 0, "save", tasks, 1, done, 0)


def test_the_time_left_follows_the_rate_of_finished_tasks() -> None:
    # Nine of 60 tasks in 18 seconds: 2 s each, 51 to go.
    line = progress_line("seen", [active(3, 40, 8), active(4, 20, 1)], 18.0)
    assert re.findall(r"[\d,]*\d", line) == ["9", "60", "102"]
    assert re.findall(r"[\d,]*\d", progress_line("seen", [active(3, 1_000, 0)], 18.0)) == ["0", "1,000"]
    assert line.startswith("seen: ")


def test_progress_is_logged_until_the_work_is_over(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = str(tmp_path / "gate")

    def wait_for_the_gate(rows: Iterable[int]) -> Iterable[int]:
        end = time.monotonic() + DEADLINE_SECONDS
        while not Path(gate).exists() and time.monotonic() < end:
            time.sleep(0.01)
        return rows

    stage = StageProgress("score_users", doing="recommendations")
    logged = ""

    def open_when_told(message: str) -> None:
        nonlocal logged
        logged = message
        Path(gate).touch()

    stage.say = open_when_told  # type: ignore[method-assign]
    with progress_logged(spark, stage, every_seconds=0.05):
        assert spark.sparkContext.parallelize(range(6), 3).mapPartitions(wait_for_the_gate).sum() == 15
    # Only a line opens the gate; without one the tasks end at their deadline and nothing was logged.
    assert logged.startswith("recommendations: ")
    assert logged.split(",")[0].endswith(" of 3 tasks")
