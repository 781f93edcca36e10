"""The jobs that share one Spark session: what they share, what not, and what ends it."""

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from nightjar.contract.environment import child_environment, spark_environment
from nightjar.contract.prepared_commands import SPARK_SESSION, Server, start
from nightjar.contract.settings import Settings
from nightjar.contract.spark_submission import session_options

_ENDS_WITHIN_SECONDS = 60
_JOBS = """
    import sys
    from functools import partial
    from pathlib import Path

    from nightjar.contract.errors import BadInput
    from nightjar.contract.run_folder import RunFolder
    from spark_jobs import entry_point

    def main():
        return entry_point.run("counting", RunFolder(Path(sys.argv[1])), [], partial(globals()[sys.argv[2]]))

    def count(spark, stage):
        print("views", [each.name for each in spark.catalog.listTables()], "of", spark.sparkContext.applicationId)
        print("zone", spark.conf.get("spark.sql.session.timeZone"), spark.conf.get("spark.sql.shuffle.partitions"))
        spark.conf.set("spark.sql.shuffle.partitions", "99")
        numbers = spark.range(5).persist()
        numbers.createTempView("numbers")
        print("rows", numbers.count(), "kept", spark.sparkContext._jsc.getPersistentRDDs().size())

    def refuse(spark, stage):
        raise BadInput("no title", code="no_title")

    def break_down(spark, stage):
        raise ValueError("unforeseen")
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psutil.Process]:
    """The server, which this process's environment names."""
    (tmp_path / "run").mkdir()
    (tmp_path / "jobs.py").write_text(textwrap.dedent(_JOBS))
    settings = Settings(home=tmp_path)
    environment = {**spark_environment(child_environment(settings)), "PYSPARK_SUBMIT_ARGS": session_options(settings)}
    paths = {"PYTHONPATH": str(tmp_path), "SPARK_LOCAL_IP": "127.0.0.1"}
    before = set(psutil.Process().children())
    with Server(SPARK_SESSION, "spark_jobs.session_server", [str(tmp_path)], {**environment, **paths}) as server:
        server.start()
        [process] = set(psutil.Process().children()) - before
        monkeypatch.setenv(SPARK_SESSION, server.variables[SPARK_SESSION])
        yield process


def test_jobs_share_the_jvm_and_neither_views_nor_options_nor_what_is_kept(
    session: psutil.Process, tmp_path: Path
) -> None:
    def run(job: str) -> tuple[int, list[str]]:
        command = start(SPARK_SESSION, "jobs:main", ["jobs", str(tmp_path / "run"), job], {})
        assert command is not None
        lines = command.stdout.read().decode().splitlines()
        return command.wait(), lines

    first = run("count")
    second = run("count")
    assert (first[0], second[0]) == (0, 0), first
    assert first[1][0].startswith("views [] of local-")
    assert first[1][1:3] == ["zone UTC 4", "rows 5 kept 1"], first
    assert second[1][:3] == first[1][:3]
    # A wrong input says nothing of the session.
    exit_code, lines = run("refuse")
    assert (exit_code, lines[-1]) == (2, "[nightjar] error (2, no_title): no title")
    assert run("count")[1][:3] == first[1][:3]
    jvms = [each for each in session.children() if each.name() == "java"]
    assert [str(tmp_path) in " ".join(each.parent().cmdline()) for each in jvms] == [True]
    # After an unforeseen failure nobody knows what the JVM is worth.
    exit_code, lines = run("break_down")
    assert (exit_code, lines[-1]) == (1, "ValueError: unforeseen")
    assert psutil.wait_procs([session, *jvms], timeout=_ENDS_WITHIN_SECONDS)[1] == []
    assert start(SPARK_SESSION, "jobs:main", ["jobs"], {}) is None
    assert os.environ[SPARK_SESSION]
