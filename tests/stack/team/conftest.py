"""One running stack of kind team for the whole session: eight kinds of programs, from docker-compose.yml."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightjar.contract.settings import Settings
from nightjar.stack.processes import stack_processes
from tests.support.team_client import TeamStack, free_block


@pytest.fixture(scope="session")
def team(open_folder: Path) -> Iterator[TeamStack]:
    first = free_block(8)
    settings = Settings(
        home=open_folder / "team",
        stack_kind="team",
        airflow_port=first,
        mlflow_port=first + 1,
        postgres_port=first + 2,
        spark_master_port=first + 3,
        # The ports of the two workers' user interfaces follow.
        spark_ui_port=first + 4,
        explorer_port=first + 7,
        spark_workers=2,
        spark_worker_cores=1,
        spark_worker_memory="1g",
        # Short runs: the tests are about processes and secrets.
        epochs=5,
        embedding_dim=16,
    )
    # Spark writes down what its environment page would show.
    configuration = open_folder / "spark-conf"
    configuration.mkdir()
    events = settings.home / "events"
    events.mkdir(parents=True)
    (configuration / "spark-defaults.conf").write_text(
        f"spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.dir {events.as_uri()}\n"
    )
    running = TeamStack(settings, {"SPARK_CONF_DIR": str(configuration)})
    try:
        started = running.nightjar("stack", "up", "--deadline-seconds", "480")
        assert started.returncode == 0, started.stdout + started.stderr
        yield running
    finally:
        running.nightjar("stack", "down")
        assert stack_processes(str(settings.home)) == []
