"""Lines for the operator while Spark works: how many tasks of the current step are done, and how long the rest takes.

Used by job; a thread of the driver asks Spark's status tracker, which Spark keeps for its own progress bar.
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
def watched(spark: SparkSession, stage: StageProgress, every_seconds: float = 5.0) -> Iterator[None]:
    """Tell every few seconds what Spark is at, while the body runs."""
    over = threading.Event()

    def tell() -> None:
        tracker = spark.sparkContext.statusTracker()
        begun: dict[int, float] = {}
        while not over.wait(every_seconds):
            try:
                found = [tracker.getStageInfo(each) for each in tracker.getActiveStageIds()]
            except (Py4JError, OSError):
                # Spark has died; who waits for its work says so.
                return
            active = [info for info in found if info is not None]
            if active:
                now = time.monotonic()
                seconds = now - begun.setdefault(min(info.stageId for info in active), now)
                stage.say(line(stage.doing, active, seconds))

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def line(doing: str, active: Sequence[SparkStageInfo], seconds: float) -> str:
    """Say what is done of Spark's active stages; the time left goes by the rate since they were first seen.

    Args:
        doing: what they are for.
        active: at least one.
        seconds: since the first of them was first seen at work.
    """
    done, tasks = sum(info.numCompletedTasks for info in active), sum(info.numTasks for info in active)
    left = f", {seconds / done * (tasks - done):.0f} s left of this step" if done and seconds else ""
    return f"{doing}: {done:,} of {tasks:,} tasks{left}"
