"""The programs of a team's stack, in the order of their start: what docker-compose.yml and the supervisor run.

Every value that differs between containers and processes comes from the site. A program gets the secrets that are named
beside it and no others.
"""

from ml.stack.team import environments, secrets_file
from ml.stack.team.program import Condition, Program
from ml.stack.team.site import API_SERVER, MLFLOW, POSTGRES, SPARK_MASTER, Site

INIT_DATABASES, INIT_AIRFLOW = "init-databases", "init-airflow"
SCHEDULER, EXPLORER = "airflow-scheduler", "explorer"
_SPARK = "org.apache.spark.deploy"


def programs(site: Site) -> list[Program]:
    """Return every program; each stands behind those that it waits for, and they stop in the reverse order."""
    return [_postgres(site), *_initialisation(site), _mlflow(site), _explorer(site), *_spark(site), *_airflow(site)]


def _postgres(site: Site) -> Program:
    port = str(site.settings.postgres_port)
    values = {
        "listen_addresses": site.bind,
        "port": port,
        "unix_socket_directories": site.postgres_socket,
        "max_connections": "200",
        "shared_buffers": "256MB",
        # The statements that fail hold the values of their rows.
        "log_min_error_statement": "panic",
    }
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name=POSTGRES,
        command=[f"{site.postgres_programs}postgres", *options],
        check=[f"{site.postgres_programs}pg_isready", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-q"],
        environment=environments.postgres_environment(site),
        secrets=environments.POSTGRES_SECRETS,
        published=("postgres_port",),
        # Version 18 keeps its data in a folder of its version below this one.
        volumes={"postgres": "/var/lib/postgresql"},
        memory="1536m",
        is_ours=False,
        # Its fast shutdown; on TERM it would wait for every client to leave.
        stop_signal="INT",
    )


def _initialisation(site: Site) -> list[Program]:
    passwords = (
        secrets_file.POSTGRES_ADMIN,
        secrets_file.PIPELINE,
        secrets_file.ANALYST,
        secrets_file.AIRFLOW_DATABASE,
        secrets_file.MLFLOW_DATABASE,
    )
    return [
        Program(
            name=INIT_DATABASES,
            command=["nightjar", "stack", "init-databases"],
            environment=environments.database_settings(site),
            secrets={name: name for name in passwords},
            after={POSTGRES: "healthy"},
            memory="512m",
            tuned=True,
        ),
        Program(
            name=INIT_AIRFLOW,
            command=["nightjar", "stack", "init-airflow"],
            environment=environments.airflow_environment(site),
            secrets={**environments.AIRFLOW_SECRETS, secrets_file.AIRFLOW_ADMIN: secrets_file.AIRFLOW_ADMIN},
            after={INIT_DATABASES: "completed"},
            volumes={"home": str(site.settings.home)},
            memory="1g",
            tuned=True,
        ),
    ]


def _mlflow(site: Site) -> Program:
    port = str(site.settings.mlflow_port)
    return Program(
        name=MLFLOW,
        command=[
            *("mlflow", "server", "--host", site.bind, "--port", port, "--workers", "1"),
            *("--artifacts-destination", str(site.artifacts)),
        ],
        check=_probe(f"http://127.0.0.1:{port}/health"),
        environment=environments.mlflow_environment(site),
        secrets=environments.MLFLOW_SECRETS,
        after={INIT_DATABASES: "completed"},
        published=("mlflow_port",),
        volumes={"mlflow": str(site.artifacts)},
        memory="1g",
        tuned=True,
    )


def _explorer(site: Site) -> Program:
    port = str(site.settings.explorer_port)
    return Program(
        name=EXPLORER,
        command=["nightjar", "explore", "--host", site.bind],
        check=_probe(f"http://127.0.0.1:{port}/_stcore/health"),
        environment=environments.explorer_environment(site),
        secrets={secrets_file.ANALYST: secrets_file.ANALYST},
        after={INIT_DATABASES: "completed"},
        published=("explorer_port",),
        memory="512m",
        tuned=True,
    )


def _spark(site: Site) -> list[Program]:
    settings = site.settings
    master = Program(
        name=SPARK_MASTER,
        command=[
            *("spark-class", f"{_SPARK}.master.Master", "--host", site.host(SPARK_MASTER)),
            *("--port", str(settings.spark_master_port), "--webui-port", str(settings.spark_ui_port)),
        ],
        check=_probe(f"http://127.0.0.1:{settings.spark_ui_port}/json/"),
        environment=environments.master_environment(site),
        published=("spark_ui_port",),
        memory="768m",
    )
    return [master, *(_spark_worker(site, name) for name in site.workers)]


def _spark_worker(site: Site, name: str) -> Program:
    settings = site.settings
    port = str(site.worker_port(name))
    return Program(
        name=name,
        command=[
            *("spark-class", f"{_SPARK}.worker.Worker", "--cores", str(settings.spark_worker_cores)),
            *("--memory", settings.spark_worker_memory, "--work-dir", str(site.scratch / "work" / name)),
            *("--webui-port", port, settings.spark_master),
        ],
        check=_probe(f"http://127.0.0.1:{port}/json/"),
        environment=environments.worker_environment(site),
        after={SPARK_MASTER: "healthy"},
        volumes=_spark_folders(site),
        # Executors, and beside each of their cores a Python process.
        memory="3g",
    )


def _airflow(site: Site) -> list[Program]:
    port = str(site.settings.airflow_port)
    workers: dict[str, Condition] = dict.fromkeys(site.workers, "healthy")
    tasks: dict[str, Condition] = {API_SERVER: "healthy", MLFLOW: "healthy", **workers}

    def airflow(
        name: str,
        *arguments: str,
        part: str,
        memory: str,
        after: dict[str, Condition],
        published: tuple[str, ...] = (),
        passwords: tuple[str, ...] = (),
        volumes: dict[str, str] | None = None,
    ) -> Program:
        return Program(
            name=name,
            command=["airflow", *arguments],
            check=_probe(f"{site.airflow}/api/v2/monitor/health", part),
            environment=environments.airflow_environment(site),
            secrets={**environments.AIRFLOW_SECRETS, **{each: each for each in passwords}},
            after=after,
            published=published,
            volumes={"home": str(site.settings.home), **(volumes or {})},
            memory=memory,
            tuned=True,
        )

    serve = ("api-server", "--host", site.bind, "--port", port, "--workers", "1")
    return [
        airflow(
            API_SERVER,
            *serve,
            part="metadatabase",
            memory="1536m",
            after={INIT_AIRFLOW: "completed"},
            published=("airflow_port",),
        ),
        airflow(
            "airflow-dag-processor", "dag-processor", part="dag_processor", memory="1g", after={API_SERVER: "healthy"}
        ),
        # Without --skip-serve-logs these two serve their logs on every network address; the UI reads the files.
        airflow(
            "airflow-triggerer",
            "triggerer",
            "--skip-serve-logs",
            part="triggerer",
            memory="768m",
            after={API_SERVER: "healthy"},
        ),
        # The tasks run below it: training, indices, and the drivers of the Spark jobs.
        airflow(
            SCHEDULER,
            "scheduler",
            "--skip-serve-logs",
            part="scheduler",
            memory="4608m",
            after=tasks,
            passwords=(secrets_file.PIPELINE,),
            volumes=_spark_folders(site),
        ),
    ]


def _probe(url: str, *part: str) -> list[str]:
    return ["python", "-m", "ml.stack.probe", url, *part]


def _spark_folders(site: Site) -> dict[str, str]:
    """Return what a driver and its workers share: the run folders, and room for what does not fit into memory."""
    return {"lake": str(site.settings.lake), "spark": str(site.scratch)}
