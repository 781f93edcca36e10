"""Renders docker-compose.yml from the table of programs, with what containers need beside it: images, users, limits."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from ml.stack.team.environments import AIRFLOW_SECRETS, PINNED, airflow_environment
from ml.stack.team.program import Program
from ml.stack.team.programs import programs
from ml.stack.team.site import Site, containers
from ml.stack.team.yaml_text import MERGE, Line, yaml_text

# The user of the image of this project (see Dockerfile), and that of PostgreSQL's.
_OUR_USER, _POSTGRES_USER = "10001:10001", "999:999"
_POSTGRES_IMAGE = "postgres:18.4-bookworm"
_CONDITIONS = {"healthy": "service_healthy", "completed": "service_completed_successfully"}
_HEADER = """\
# Rendered by `nightjar stack compose` from ml/stack/team/programs.py: change it there, not here.
# Passwords, which `make secrets` writes, and the ports that this machine publishes come from .env; the team's settings
# (NIGHTJAR_*, AIRFLOW__*, MLFLOW_*) from settings.env, which wins over docker-compose.env.
"""
_DEFAULTS_HEADER = """\
# Rendered by `nightjar stack compose --defaults` from ml/stack/team/programs.py: change it there, not here.
# What the programs find in their environment unless settings.env says otherwise.
"""
DEFAULTS_FILE, SETTINGS_FILE = "docker-compose.env", "settings.env"


def render_defaults() -> str:
    """Return the text of docker-compose.env: no secret, and nothing that has one right value in the containers."""
    values: dict[str, str] = {}
    for program in programs(containers()):
        if program.tuned:
            values |= {name: value for name, value in program.environment.items() if name not in PINNED}
    return _DEFAULTS_HEADER + "".join(f"{name}={_quoted(value)}\n" for name, value in sorted(values.items()))


def render_compose() -> str:
    """Return the text of docker-compose.yml."""
    site = containers()
    every = _every_service()
    ours = _our_service(every)
    airflow = {**_pinned(airflow_environment(site)), **_passwords(AIRFLOW_SECRETS)}
    table = programs(site)
    document = {
        "name": "nightjar",
        "x-service": every,
        "x-nightjar": ours,
        "x-airflow": airflow,
        "services": {each.name: _service(site, each, ours if each.is_ours else every, airflow) for each in table},
        "volumes": {name: None for each in table for name in each.volumes},
    }
    return _HEADER + yaml_text(document)


def _every_service() -> dict[str, Any]:
    return {
        "init": True,
        "read_only": True,
        "cap_drop": Line(["ALL"]),
        "security_opt": Line(["no-new-privileges:true"]),
        # Spark and its compressors load libraries that they unpack there.
        "tmpfs": Line(["/tmp:exec,mode=1777"]),  # noqa: S108 the containers' own
        "stop_grace_period": "1m",
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "4"}},
    }


def _our_service(every: dict[str, Any]) -> dict[str, Any]:
    return {
        MERGE: every,
        "image": f"nightjar:{version('nightjar')}",
        "build": ".",
        # No registry has an image of this name that is ours.
        "pull_policy": "never",
        "user": _OUR_USER,
    }


def _service(site: Site, program: Program, common: dict[str, Any], airflow: dict[str, str]) -> dict[str, Any]:
    service: dict[str, Any] = {MERGE: common, **({} if program.is_ours else _postgres_image(site, common))}
    service["command"] = Line(program.command)
    if program.after:
        service["depends_on"] = {name: {"condition": _CONDITIONS[state]} for name, state in program.after.items()}
    own = _pinned(program.environment) if program.tuned else program.environment
    environment: dict[str, Any] = {**own, **_passwords(program.secrets)}
    if airflow.items() <= environment.items():
        environment = {MERGE: airflow, **{name: environment[name] for name in environment if name not in airflow}}
    service["environment"] = airflow if list(environment) == [MERGE] else environment
    if program.tuned:
        # The later file wins, and what stands in `environment` wins over both.
        service["env_file"] = [DEFAULTS_FILE, {"path": SETTINGS_FILE, "required": False}]
    if program.volumes:
        service["volumes"] = [f"{name}:{folder}" for name, folder in program.volumes.items()]
    if program.published:
        service["ports"] = [
            f"127.0.0.1:{site.published(setting)}:{getattr(site.settings, setting)}" for setting in program.published
        ]
    service["mem_limit"] = program.memory
    return service | _life(program)


def _postgres_image(site: Site, common: dict[str, Any]) -> dict[str, Any]:
    return {
        "image": _POSTGRES_IMAGE,
        "user": _POSTGRES_USER,
        "tmpfs": Line([*common["tmpfs"], f"{site.postgres_socket}:mode=1777"]),
        # Parallel queries share memory through files of this size.
        "shm_size": "256m",
        "stop_signal": "SIGINT",
    }


def _pinned(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name in PINNED}


def _quoted(value: str) -> str:
    """Write a value as Compose reads it: in single quotes nothing is filled in."""
    return f"'{value}'" if set(value) & set(' "{}#') and "${" not in value else value


def _passwords(secrets: Mapping[str, str]) -> dict[str, str]:
    return {variable: f"${{{secret}:?run make secrets}}" for variable, secret in secrets.items()}


def _life(program: Program) -> dict[str, Any]:
    if program.ends_by_itself:
        return {"restart": "no"}
    check = {"test": Line(["CMD", *program.check]), "interval": "15s", "timeout": "10s", "retries": 4}
    return {"healthcheck": {**check, "start_period": "3m"}, "restart": "unless-stopped"}
