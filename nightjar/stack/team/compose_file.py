"""Reads docker-compose.yml and docker-compose.env, which are kept by hand; placeholders stay as they are."""

import re
from pathlib import Path
from typing import Any

import yaml

from nightjar.contract.errors import BadInput
from nightjar.contract.places import REPOSITORY

COMPOSE_FILE, DEFAULTS_FILE = REPOSITORY / "docker-compose.yml", REPOSITORY / "docker-compose.env"
# The form of a secret in docker-compose.yml, always the whole value of a variable.
_SECRET = re.compile(r"\$\{(\w+):\?[^}]*\}")
_SECONDS = {"s": 1, "m": 60}


def read_services() -> dict[str, dict[str, Any]]:
    """Return the services by their names.

    Raises:
        BadInput: the file is missing.
    """
    services: dict[str, dict[str, Any]] = yaml.safe_load(file_text(COMPOSE_FILE))["services"]
    return services


def read_defaults() -> dict[str, str]:
    """Return the variables of docker-compose.env by their names.

    Raises:
        BadInput: the file is missing.
    """
    lines = [line for line in file_text(DEFAULTS_FILE).splitlines() if line and not line.startswith("#")]
    pairs = (line.partition("=") for line in lines)
    return {name: value.strip("'") for name, _, value in pairs}


def file_text(path: Path) -> str:
    """Return the text of one of the two files.

    Raises:
        BadInput: it is missing, as in an installation without the project's folder.
    """
    if not path.exists():
        raise BadInput(
            f"{path} is missing: start the command in a checkout of the project", code="no_such_file", file=path
        )
    return path.read_text(encoding="utf-8")


def secret_of(value: str) -> str | None:
    """Return the name of the secret that a variable holds.

    >>> secret_of("${NIGHTJAR_POSTGRES_PASSWORD:?run make secrets}")
    'NIGHTJAR_POSTGRES_PASSWORD'
    """
    found = _SECRET.fullmatch(value)
    return found[1] if found else None


def seconds(period: str) -> int:
    """Return a period such as `1m` in seconds."""
    return int(period[:-1]) * _SECONDS[period[-1]]
