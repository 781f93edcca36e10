"""Where the programs of a team's stack run: in containers, or as processes of one machine.

The two differ in hosts, ports and paths, and in nothing else; `programs` makes the same commands for both.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from ml.stack.database import program
from ml.stack.environment import LOOPBACK
from ml.stack.places import Places
from warehouse.settings import REPOSITORY, Settings, variable

POSTGRES, MLFLOW = "postgres", "mlflow"
SPARK_MASTER, SPARK_WORKER = "spark-master", "spark-worker"
API_SERVER = "airflow-api-server"
_SERVERS = (POSTGRES, MLFLOW, SPARK_MASTER)

# Where the image keeps the project and its interpreter; the Dockerfile names them too.
IMAGE_REPOSITORY = PurePosixPath("/opt/nightjar")
IMAGE_INTERPRETER = "/opt/venv/bin/python"


@dataclass(frozen=True)
class Site:
    """One place where the whole stack runs.

    Attributes:
        settings: as the programs find them.
        bind: address that the servers listen on.
        in_containers: whether each program has a host of its own, which bears its name.
        repository: folder of this project.
        interpreter: the Python that the programs run on.
        postgres_programs: what stands before the names of PostgreSQL's programs: nothing where they are on the path.
        postgres_data: folder of PostgreSQL's data.
        postgres_socket: folder of its socket; empty for none.
        artifacts: folder of MLflow's artifacts.
        scratch: folder of what Spark spills.
        workers: names of the Spark workers.
        environment: what every program finds beside its own variables.
    """

    settings: Settings
    bind: str
    in_containers: bool
    repository: PurePath
    interpreter: str
    postgres_programs: str
    postgres_data: PurePath
    postgres_socket: str
    artifacts: PurePath
    scratch: PurePath
    workers: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def host(self, program: str) -> str:
        """Return the host under which the others reach a program."""
        return program if self.in_containers else LOOPBACK

    def published(self, setting: str) -> str:
        """Return the port, given by its setting, that a browser on the machine finds a program at."""
        port: int = getattr(self.settings, setting)
        return f"${{{variable(setting)}:-{port}}}" if self.in_containers else str(port)

    def worker_port(self, name: str) -> int:
        """Return the port of a Spark worker's user interface."""
        return self.settings.spark_ui_port + 1 + self.workers.index(name)

    @property
    def airflow(self) -> str:
        """Where Airflow's API answers the other programs."""
        return f"http://{self.host(API_SERVER)}:{self.settings.airflow_port}"


def containers() -> Site:
    """Return the site that docker-compose.yml describes: default ports, and no setting of this process."""
    return Site(
        settings=_team_settings(
            Settings.model_construct(home=Path("/var/lib/nightjar")), {each: each for each in _SERVERS}
        ),
        bind="0.0.0.0",  # noqa: S104 the containers' own
        in_containers=True,
        repository=IMAGE_REPOSITORY,
        interpreter=IMAGE_INTERPRETER,
        postgres_programs="",
        postgres_data=PurePosixPath("/var/lib/postgresql/18/docker"),
        postgres_socket="/var/run/postgresql",
        artifacts=PurePosixPath("/var/lib/mlflow"),
        scratch=PurePosixPath("/var/lib/spark"),
        workers=(SPARK_WORKER,),
    )


def processes(settings: Settings) -> Site:
    """Return the site of a home on this machine: everything on loopback, on the settings' ports."""
    places = Places.of(settings)
    return Site(
        settings=_team_settings(settings, dict.fromkeys(_SERVERS, LOOPBACK)),
        bind=LOOPBACK,
        in_containers=False,
        repository=REPOSITORY,
        interpreter=sys.executable,
        postgres_programs=f"{program('')}/",
        postgres_data=places.team_database,
        postgres_socket="",
        artifacts=settings.mlflow_artifacts,
        scratch=settings.home / "spark",
        workers=tuple(f"{SPARK_WORKER}-{number}" for number in range(1, settings.spark_workers + 1)),
        # Spark would listen on every network address, and name this machine by its own.
        environment={"SPARK_LOCAL_IP": LOOPBACK, "SPARK_LOCAL_HOSTNAME": LOOPBACK},
    )


def _team_settings(settings: Settings, hosts: Mapping[str, str]) -> Settings:
    return settings.model_copy(
        update={
            "warehouse_engine": "postgres",
            "postgres_host": hosts[POSTGRES],
            "mlflow_url": f"http://{hosts[MLFLOW]}:{settings.mlflow_port}",
            "spark_master": f"spark://{hosts[SPARK_MASTER]}:{settings.spark_master_port}",
        }
    )
