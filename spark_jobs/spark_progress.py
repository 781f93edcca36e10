"""Progress lines while Spark works: finished tasks of the current step, and the time left.

Used by entry_point; a thread of the driver reads Spark's status tracker, which feeds Spark's own progress bar.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkStageInfo
from pyspark.sql import SparkSession

from nightjar.contract.progress import StageProgress


@contextmanager
def progress_logged(spark: SparkSession, stage: StageProgress, every_seconds: float = 5.0) -> Iterator[None]:
    """Log every few seconds the progress of Spark, while the body runs."""
    is_over = threading.Event()

    def log() -> None:
        tracker = spark.sparkContext.statusTracker()
        started: dict[int, float] = {}
        while not is_over.wait(every_seconds):
            try:
                infos = [tracker.getStageInfo(each) for each in tracker.getActiveStageIds()]
            except (Py4JError, OSError):
                # Spark has died; the caller that waits for it reports that.
                return
            active = [info for info in infos if info is not None]
            if active:
                now = time.monotonic()
                seconds = now - started.setdefault(min(info.stageId for info in active), now)
                stage.say(progress_line(stage.doing, active, seconds))

    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def progress_line(doing: str, active: Sequence[SparkStageInfo], seconds: float) -> str:
    """Return the progress of Spark's active stages; the time left follows from the rate since they were first seen.

    Args:
        doing: the dataset that they compute.
        active: at least one.
        seconds: since the first of them was first seen active.
    """
    done, tasks = sum(info.numCompletedTasks for info in active), sum(info.numTasks for info in active)
    left = f", {seconds / done * (tasks - done):.0f} s left of this step" if done and seconds else ""
    return f"{doing}: {done:,} of {tasks:,} tasks{left}"
