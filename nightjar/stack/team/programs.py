"""The services of docker-compose.yml as processes of this machine: same commands, variables, checks and order.

What settings.env is to the containers, the environment of whoever starts the stack is to the processes.
"""

from collections.abc import Mapping
from typing import Any

from nightjar.contract.settings import Settings, variable
from nightjar.stack.database import program, system_user
from nightjar.stack.environment import LOOPBACK
from nightjar.stack.program import DATABASE, Program
from nightjar.stack.team.compose_file import read_defaults, read_services, seconds, secret_of
from nightjar.stack.team.translation import SPARK_WORKER, Translation, translation

# Beside the file's variables: Spark would listen on every network address, and name this machine by its own.
_HERE = {"SPARK_LOCAL_IP": LOOPBACK, "SPARK_LOCAL_HOSTNAME": LOOPBACK}
# What whoever starts the processes may have set: under what names people reach the programs, which only they know, and
# what the warehouse's database and its role are called. All else in docker-compose.env holds as it stands.
_SET_FROM_OUTSIDE = (
    *map(variable, ("mlflow_public_url", "postgres_database", "postgres_user")),
    *("AIRFLOW__API__BASE_URL", "MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"),
    "STREAMLIT_BROWSER_SERVER_ADDRESS",
)


def team_programs(settings: Settings, inherited: Mapping[str, str]) -> list[Program]:
    """Return the programs of the team's stack; each stands behind those that it waits for.

    Args:
        settings: of the home, with its ports and the number and size of the Spark workers.
        inherited: the environment of whoever starts the stack.

    Raises:
        BadInput: docker-compose.yml is missing.
    """
    services, defaults = read_services(), read_defaults()
    defaults = {
        name: value for name, value in defaults.items() if name not in _SET_FROM_OUTSIDE or not inherited.get(name)
    }
    workers = [f"{SPARK_WORKER}-{number}" for number in range(1, settings.spark_workers + 1)]
    names = {name: workers if name == SPARK_WORKER else [name] for name in services}
    return [
        _program(
            name,
            service,
            defaults if "env_file" in service else {},
            tuple(each for other in service.get("depends_on", ()) for each in names[other]),
            translation(settings, services, name),
        )
        for service_name, service in services.items()
        for name in names[service_name]
    ]


def _program(
    name: str, service: Mapping[str, Any], defaults: Mapping[str, str], after: tuple[str, ...], here: Translation
) -> Program:
    declared = {**defaults, **service["environment"]}
    secrets = {variable: secret for variable, value in declared.items() if (secret := secret_of(value))}
    command, check = here.command(service["command"]), here.command(service.get("healthcheck", {}).get("test", [])[1:])
    is_database = name == DATABASE
    return Program(
        name,
        [program(command[0]), *command[1:]] if is_database else command,
        [program(check[0]), *check[1:]] if is_database else check,
        environment={
            **_HERE,
            **{variable: here.value(variable, text) for variable, text in declared.items() if variable not in secrets},
        },
        secrets=secrets,
        after=after,
        stop_signal=service.get("stop_signal", "SIGTERM").removeprefix("SIG"),
        stop_seconds=seconds(service["stop_grace_period"]),
        user=system_user() if is_database else None,
    )
