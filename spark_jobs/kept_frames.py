"""Frames that several datasets are made of, kept once they are computed. Used by build_features."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import DataFrame

from nightjar.contract.progress import StageProgress
from spark_jobs import entry_point

# Keeps a frame under a name of its own, and returns it as kept.
Keep = Callable[[str, DataFrame], DataFrame]


@contextmanager
def kept_in_files(folder: Path, stage: StageProgress) -> Iterator[Keep]:
    """Yield what keeps frames in files below a folder, which are removed when the body ends.

    A frame in the memory of the workers is analysed and planned with all that it was made of, each time that it is
    used, which takes longer than the work itself where data are small. One that is read from files has no past. And no
    worker that ends takes it along.

    Args:
        folder: that all workers find under this path.
        stage: says what it is doing.
    """

    def keep(name: str, frame: DataFrame) -> DataFrame:
        path = folder / name
        entry_point.write(frame, path, name, stage)
        return frame.sparkSession.read.schema(frame.schema).parquet(str(path))

    try:
        yield keep
    finally:
        shutil.rmtree(folder, ignore_errors=True)
