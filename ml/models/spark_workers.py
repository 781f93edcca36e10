"""The tasks of a Spark application, on one machine or many, that train the shards of a fit.

It and this process exchange files (`round_files`); this process merges. Used by `sharded_fit`.
"""

import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ml.models.round_files import RoundFiles
from ml.models.shards import Plan, Task, do
from ml.models.shared_arrays import Arrays
from nightjar.contract.environment import spark_environment
from nightjar.contract.errors import NightjarError
from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from nightjar.contract.spark_master import check_master
from nightjar.contract.spark_submission import session_options

# A round that takes longer may wait for a cluster that is gone: Spark would wait without end.
_SECONDS_UNTIL_A_CHECK = 60.0


class SparkWorkers:
    """A Spark application of the fit's own, which starts at once; its cores are free again when the fit ends.

    Args:
        arrays: of the fit; constant ones are dropped when they are written.
        settings: master and memory of Spark, threads of LightFM.
        folder: below which all machines find the files.

    Raises:
        NightjarError: no master answers.
    """

    def __init__(self, arrays: Arrays, settings: Settings, folder: Path) -> None:
        self._arrays, self._master = arrays, settings.spark_master
        check_master(self._master)
        # A name of its own: a task of an earlier fit may still be writing.
        self._folder = folder / f"lightfm-{uuid4().hex}"
        self._folder.mkdir(parents=True)
        reader, writer = os.pipe()
        self._replies = os.fdopen(reader, "rb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ml.models.spark_training", str(writer), str(self._folder)],
            stdin=subprocess.PIPE,
            # What Spark prints belongs to the log of the stage.
            stdout=2,
            bufsize=0,
            pass_fds=(writer,),
            env=_environment(settings),
            cwd=REPOSITORY,
        )
        os.close(writer)

    def begin(self, plan: Plan) -> None:
        """Write what the rounds start from, send the plan and wait until Spark has started.

        Raises:
            NightjarError: Spark did not start, or its master is gone.
        """
        self._files = RoundFiles(self._folder, plan)
        self._files.write_start(self._arrays)
        self._send(plan)
        self._wait()

    def run(self, tasks: Sequence[Task]) -> None:
        """Train a round as one job of Spark, or merge here.

        Raises:
            NightjarError: the application failed, or its master is gone.
        """
        first = tasks[0]
        if first.kind != "train":
            for task in tasks:
                do(task, self._arrays, self._files.plan)
            return
        self._files.write_merged(self._arrays, first)
        self._send(tasks)
        self._wait()
        self._files.read_trained(self._arrays, first)

    def end(self) -> None:
        """End the application and remove the files."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        self._replies.close()
        # Out of reach of a task that still runs.
        removed = self._folder.with_name(f".{self._folder.name}.removed")
        self._folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)

    def _send(self, values: object) -> None:
        # Why the application has ended is what it replied.
        with suppress(BrokenPipeError):
            if self.process.stdin:
                self.process.stdin.write(json.dumps(values).encode() + b"\n")

    def _wait(self) -> None:
        while not select.select([self._replies], [], [], _SECONDS_UNTIL_A_CHECK)[0]:
            check_master(self._master)
        line = self._replies.readline()
        reason = json.loads(line) if line else f"its process ended with exit code {self.process.wait()}"
        if reason:
            # A master that is gone explains more than what failed without it.
            check_master(self._master)
            raise NightjarError(
                f"the training on NIGHTJAR_SPARK_MASTER={self._master} failed: {reason}: see the log above and those of"
                " the workers; NIGHTJAR_TRAIN_ON=local trains on this machine",
                code="spark_training_failed",
                setting="NIGHTJAR_SPARK_MASTER",
                value=self._master,
            )


def _environment(settings: Settings) -> dict[str, str]:
    # It has no secrets, which a training has no use for.
    return {
        **spark_environment(),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": session_options(settings),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": str(settings.train_threads),
    }
