"""The services of docker-compose.yml as processes of this machine: same commands, variables, checks and order.

The processes read the team's settings from the environment of the starting user, as the containers do from
settings.env.
"""

from collections.abc import Mapping
from typing import Any

from nightjar.contract.settings import Settings, variable
from nightjar.stack.environment import LOOPBACK
from nightjar.stack.postgres import program, system_user
from nightjar.stack.program import DATABASE, Program
from nightjar.stack.team.compose_file import read_defaults, read_services, seconds, secret_of
from nightjar.stack.team.container_translation import SPARK_WORKER, ContainerTranslation, translation

# Without these, Spark would listen on every network address and use this machine's host name.
_LOOPBACK_NAMES = {"SPARK_LOCAL_IP": LOOPBACK, "SPARK_LOCAL_HOSTNAME": LOOPBACK}
# Variables that the starting user's environment may override: public addresses of the programs, and the names of the
# warehouse's database and role. All others in docker-compose.env are fixed.
_OVERRIDABLE = (
    *map(variable, ("mlflow_public_url", "postgres_database", "postgres_user")),
    *("AIRFLOW__API__BASE_URL", "MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"),
    "STREAMLIT_BROWSER_SERVER_ADDRESS",
)


def team_programs(settings: Settings, inherited: Mapping[str, str]) -> list[Program]:
    """Return the programs of the team's stack; each after those that it waits for.

    Args:
        settings: of the home, with its ports and the number and size of the Spark workers.
        inherited: the environment of the starting user.

    Raises:
        BadInput: docker-compose.yml is missing.
    """
    services, defaults = read_services(), read_defaults()
    defaults = {name: value for name, value in defaults.items() if name not in _OVERRIDABLE or not inherited.get(name)}
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
    name: str,
    service: Mapping[str, Any],
    defaults: Mapping[str, str],
    after: tuple[str, ...],
    translated: ContainerTranslation,
) -> Program:
    declared = {**defaults, **service["environment"]}
    secrets = {variable: secret for variable, value in declared.items() if (secret := secret_of(value))}
    command, check = (
        translated.command(service["command"]),
        translated.command(service.get("healthcheck", {}).get("test", [])[1:]),
    )
    is_database = name == DATABASE
    return Program(
        name,
        [program(command[0]), *command[1:]] if is_database else command,
        [program(check[0]), *check[1:]] if is_database else check,
        environment={
            **_LOOPBACK_NAMES,
            **{
                variable: translated.value(variable, text)
                for variable, text in declared.items()
                if variable not in secrets
            },
        },
        secrets=secrets,
        after=after,
        stop_signal=service.get("stop_signal", "SIGTERM").removeprefix("SIG"),
        stop_seconds=seconds(service["stop_grace_period"]),
        user=system_user() if is_database else None,
    )
