"""The Spark application that trains the shards of one fit, one job a round.

`python -m ml.models.spark_training REPLIES FOLDER`: FOLDER holds the files of the fit, REPLIES is the descriptor of a
pipe. The first line of its input is the plan, each other one the tasks of a round. A line on the pipe says that Spark
has started, each other one that a round has ended: JSON of what went wrong, an empty text where nothing did.
`PYSPARK_SUBMIT_ARGS` has the options of Spark. It ends with its input, and its JVM with it. Used by `spark_workers`: a
process of its own, because a stage has secrets in its environment, which PySpark hands on to the JVM that it starts.
"""

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException

from ml.models.round_files import RoundFiles
from ml.models.shards import Plan, Task
from nightjar.contract.places import REPOSITORY

_FAILURES = (Py4JError, PySparkException)
# The last line of what a worker's Python says.
_PYTHON_ERROR = re.compile(r"^[A-Z]\w*Error: .*$", re.MULTILINE)


def main(replies: int, folder: Path) -> None:
    """Train the rounds of the standard input until it ends, or one fails."""
    # Who interrupts the stage ends the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = SimpleQueue[str]()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    try:
        context = _started()
    except _FAILURES as error:
        _reply(replies, f"Spark did not start: {_reason(error)}")
        return
    _reply(replies)
    plan = Plan.of(json.loads(lines.get()))
    while True:
        tasks = [Task(*each) for each in json.loads(lines.get())]
        try:
            context.parallelize(tasks, len(tasks)).foreach(RoundFiles(folder, plan).train)
        except _FAILURES as error:
            _reply(replies, _reason(error))
            return
        _reply(replies)


def _started() -> SparkContext:
    # Workers have the code of this process where it lies under the same path.
    conf = SparkConf().set("spark.executorEnv.PYTHONPATH", str(REPOSITORY))
    context = SparkContext(appName="nightjar training", conf=conf)
    context.setLogLevel("ERROR")
    return context


def _read(lines: SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    # Also in the middle of a job, whose result nobody waits for.
    os._exit(0)


def _reply(replies: int, failure: str = "") -> None:
    os.write(replies, json.dumps(failure).encode() + b"\n")


def _reason(error: Exception) -> str:
    text = str(error)
    # What follows is the frames of the JVM.
    return next(reversed(_PYTHON_ERROR.findall(text)), " ".join(text.splitlines()[:2]))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
