"""Translates hosts, ports and folders of docker-compose.yml's containers to those of processes on one machine.

Every host becomes the loopback address, ports are those of the settings, and folders of the image and its volumes
become folders of this project and of the home.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings, variable
from nightjar.stack.environment import LOOPBACK
from nightjar.stack.paths import StackPaths
from nightjar.stack.program import DATABASE

SPARK_WORKER = "spark-worker"
# Project and interpreter in the image, as in the Dockerfile.
IMAGE_REPOSITORY, IMAGE_INTERPRETER = "/opt/nightjar", "/opt/venv/bin/python"
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 the containers'
# In the containers each program listens on the default of its setting.
_PORTS = ("airflow_port", "mlflow_port", "postgres_port", "explorer_port", "spark_master_port", "spark_ui_port")
_SETTING = r"\$\{(\w+):-([^}]*)\}"


@dataclass(frozen=True)
class ContainerTranslation:
    """Translates the texts of one program.

    Attributes:
        hosts: names of the containers.
        settings: variable of each setting to its value, for `${VARIABLE:-default}`.
        translated: folder, host or port of the containers to that of this machine.
        parts: pattern of what is replaced in a text, each match once.
    """

    hosts: frozenset[str]
    settings: Mapping[str, str]
    translated: Mapping[str, str]
    parts: re.Pattern[str]

    def command(self, words: list[str]) -> list[str]:
        """Return the words of a command."""
        options = ["", *words]
        return [self._text(word, is_host=option == "--host") for option, word in zip(options, words, strict=False)]

    def value(self, name: str, text: str) -> str:
        """Return the value of a variable."""
        return self._text(text, is_host=name.endswith("_HOST"))

    def _text(self, text: str, *, is_host: bool) -> str:
        if is_host and text in self.hosts:
            return LOOPBACK
        return self.parts.sub(
            lambda part: self.settings.get(part[1], part[2]) if part[1] else self.translated[part[0]], text
        )


def translation(settings: Settings, services: Mapping[str, Mapping[str, Any]], name: str) -> ContainerTranslation:
    """Return the translation of a service's texts for the program `name` of a home."""
    paths, ports = _folders(settings, services, name), _ports(settings, name)
    hosts, folders, numbers = (_any_of(each) for each in (services, paths, ports))
    return ContainerTranslation(
        hosts=frozenset(services),
        settings={variable(setting): str(value) for setting, value in settings},
        translated={**paths, **ports, **dict.fromkeys([*services, _EVERY_ADDRESS], LOOPBACK)},
        parts=re.compile(
            rf"{_SETTING}|{folders}(?![\w.-])|(?<![\w-]){hosts}(?=:\d)|(?<=://){hosts}(?![\w@-])"
            rf"|{re.escape(_EVERY_ADDRESS)}|(?<![\w.]){numbers}(?![\w.])"
        ),
    )


def _folders(settings: Settings, services: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, str]:
    scratch = settings.home / "spark"
    volumes = {"home": settings.home, "lake": settings.lake, "spark": scratch, "mlflow": settings.mlflow_artifacts}
    mounts = {mount for service in services.values() for mount in service.get("volumes", ())}
    return {
        **{
            folder: str(volumes[volume]) for volume, folder in (each.split(":") for each in mounts) if volume in volumes
        },
        # Each worker has its own folder, as each container has its own host name.
        f"/work/{SPARK_WORKER}": f"/work/{name}",
        IMAGE_REPOSITORY: str(REPOSITORY),
        IMAGE_INTERPRETER: sys.executable,
        services[DATABASE]["environment"]["PGDATA"]: str(StackPaths.of(settings).team_database),
        # On one machine PostgreSQL is reached at its port only.
        "/var/run/postgresql": "",
    }


def _ports(settings: Settings, name: str) -> dict[str, str]:
    ports = {str(Settings.model_fields[port].default): str(getattr(settings, port)) for port in _PORTS}
    _, _, number = name.partition(f"{SPARK_WORKER}-")
    if number:
        # The workers' user interfaces have the ports after the master's.
        ports[str(Settings.model_fields["spark_ui_port"].default + 1)] = str(settings.spark_ui_port + int(number))
    return ports


def _any_of(texts: Mapping[str, Any]) -> str:
    return f"(?:{'|'.join(re.escape(each) for each in sorted(texts, key=len, reverse=True))})"
