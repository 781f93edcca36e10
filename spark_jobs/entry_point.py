"""Shared by the entry points: the Spark session, argument types, Parquet folders, one-line failures.

Used by build_features and score_users; knows nothing of features or models.
"""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkConf
from pyspark.sql import DataFrame, SparkSession

from nightjar.contract import progress
from nightjar.contract.disk_space import disk_full_error, is_disk_full
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.progress import StageProgress
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.run_folder import RunFolder
from spark_jobs.spark_progress import progress_logged

# The session of all jobs of this process, where it keeps one.
_kept: list[SparkSession] = []

Job = Callable[[SparkSession, StageProgress], None]


def run(name: str, folder: RunFolder, inputs: list[Path], work: Job) -> int:
    """Run one stage in a Spark session of its own and return the exit code of the process."""
    try:
        require(inputs)
        with progress.stage(folder, name) as stage, _session(name) as spark, progress_logged(spark, stage):
            work(spark, stage)
    except NightjarError as error:
        print(progress.error_line(error), file=sys.stderr)
        return error.exit_code
    except Exception as error:
        if not is_disk_full(error):
            raise
        full = disk_full_error(folder.path)
        print(progress.error_line(full), file=sys.stderr)
        return full.exit_code
    return 0


def require(inputs: list[Path]) -> None:
    """Check that the inputs of a stage exist, before the slow start of a session.

    Raises:
        BadInput: some are missing; the message names them all.
    """
    missing = [str(path) for path in inputs if not path.exists()]
    if missing:
        raise BadInput(
            f"missing input: {', '.join(missing)}: run the earlier stages first", code="missing_input", files=missing
        )


def write(frame: DataFrame, path: Path, name: str, stage: StageProgress) -> None:
    """Write the dataset of that name. Not atomic: pass a folder inside `written_aside`."""
    stage.doing = name
    frame.write.mode("overwrite").parquet(str(path))


def instant(text: str) -> datetime:
    """Argument type: an ISO 8601 timestamp with a time zone."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not an ISO 8601 timestamp") from error
    if parsed.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no time zone")
    return parsed


def at_least(minimum: int) -> Callable[[str], int]:
    """Argument type: a whole number not below a minimum."""

    def whole_number(text: str) -> int:
        number = int(text)
        if number < minimum:
            raise ArgumentTypeError(f"{number} is less than {minimum}")
        return number

    return whole_number


def fraction(text: str) -> float:
    """Argument type: a number from 0 to 1."""
    number = float(text)
    if not 0.0 <= number <= 1.0:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def repeats(text: str) -> Repeats:
    """Argument type: the setting NIGHTJAR_REPEAT_AFTER_DAYS."""
    try:
        return Repeats.of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def keep_session() -> None:
    """Start a session that the jobs of this process share; its JVM ends with this process.

    Raises:
        NightjarError: Spark did not start.
    """
    _kept.append(_started("jobs"))


@contextmanager
def _session(name: str) -> Iterator[SparkSession]:
    if _kept:
        # With temporary views and options of its own.
        spark = _kept[0].newSession()
        try:
            yield spark
        finally:
            spark.catalog.clearCache()
        return
    spark = _started(name)
    try:
        yield spark
    finally:
        spark.stop()


def _started(name: str) -> SparkSession:
    # The time zone changes no result (all times are instants); it makes plans and logs show UTC.
    builder = SparkSession.builder.appName(f"nightjar {name}").config("spark.sql.session.timeZone", "UTC")
    try:
        spark = builder.getOrCreate()
    except Py4JError as error:
        # Its text continues with the frames of the JVM.
        reason = " ".join(str(error).splitlines()[:2])
        master = SparkConf().get("spark.master")
        raise NightjarError(
            f"Spark did not start on {master}: {reason}",
            code="spark_not_started",
            setting="NIGHTJAR_SPARK_MASTER",
            value=master,
        ) from error
    # Spark warns of every window that numbers ids in one task (intended, see id_maps) and of little else of use.
    spark.sparkContext.setLogLevel("ERROR")
    return spark
