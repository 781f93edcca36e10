"""A client of one running team stack, and the search for leaked secrets."""

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg

from nightjar.contract.settings import variable
from nightjar.stack.probe import response_body
from nightjar.stack.processes import stack_processes
from nightjar.stack.program import Program
from nightjar.stack.team.programs import team_programs
from nightjar.stack.team.secrets_file import AIRFLOW_ADMIN, PIPELINE, SECRETS, read_secrets
from tests.support.stack_client import COMMAND_SECONDS, RunningStack

# All variables that the programs inherit; docker-compose.yml must set all others. The last one names the kernels of
# the matrix products, so that content hashes can be compared.
_INHERITED = ("HOME", "LANG", "JAVA_HOME", "TMPDIR", "OPENBLAS_CORETYPE")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def free_block(count: int) -> int:
    """Return the first of `count` consecutive free ports."""
    while True:
        first = random.randrange(20_000, 30_000)
        try:
            for port in range(first, first + count):
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first


@dataclass(frozen=True)
class TeamStack(RunningStack):
    """One stack of kind team."""

    @property
    def programs(self) -> list[Program]:
        return team_programs(self.settings, {})

    @property
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.mlflow_port}"

    @property
    def secrets(self) -> dict[str, str]:
        return read_secrets(self.paths.team_secrets)

    @property
    def password(self) -> str:
        return self.secrets[AIRFLOW_ADMIN]

    @cached_property
    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        changed = {
            variable(name): str(value) for name, value in self.settings if name in self.settings.model_fields_set
        }
        return {"PATH": _SYSTEM_PATH, **inherited, **self.variables, **changed}

    def nightjar(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the command as the operator, with a minimal environment."""
        return subprocess.run(
            [str(Path(sys.executable).parent / "nightjar"), *arguments],
            env={**self._environment, **variables},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def on_warehouse(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command on the team's warehouse, MLflow and Spark, as the pipeline's role."""
        settings = {
            "NIGHTJAR_WAREHOUSE_ENGINE": "postgres",
            "NIGHTJAR_POSTGRES_HOST": "127.0.0.1",
            "NIGHTJAR_MLFLOW_URL": self.mlflow_url,
            "NIGHTJAR_SPARK_MASTER": f"spark://127.0.0.1:{self.settings.spark_master_port}",
        }
        return self.nightjar(*arguments, **settings, **{PIPELINE: self.secrets[PIPELINE]})

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of one query on the warehouse, as the pipeline's role."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.settings.postgres_port,
            dbname=self.settings.postgres_database,
            user=self.settings.postgres_user,
            password=self.secrets[PIPELINE],
        ) as connection:
            return connection.execute(query).fetchall()

    def spark(self) -> dict[str, Any]:
        """The state of the Spark master and its workers."""
        body: dict[str, Any] = json.loads(
            response_body(f"http://127.0.0.1:{self.settings.spark_ui_port}/json/") or b"{}"
        )
        return body

    def marked(self) -> list[psutil.Process]:
        """The processes of this stack."""
        return stack_processes(str(self.settings.home))

    def process_of(self, *words: str) -> psutil.Process | None:
        """The first process of the stack whose command line has all these words."""
        return next((each for each in self.marked() if all(word in " ".join(each.cmdline()) for word in words)), None)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every place where a secret must not be: command lines of the machine, configuration, logs, files of runs."""
        for process in psutil.process_iter():
            try:
                yield f"process {process.pid}", " ".join(process.cmdline())
            except psutil.Error:
                continue
        for path in self.settings.home.rglob("*"):
            # The database has hashes, and binary pages; the rest of the home must not contain a secret.
            kept = (self.paths.team_secrets, self.paths.team_database)
            if path.is_file() and not any(path.is_relative_to(each) for each in kept):
                yield str(path), path.read_bytes().decode(errors="replace")

    def leaks(self) -> list[str]:
        """The places that contain a secret of this stack, and its name."""
        secrets = {name: self.secrets[name] for name in SECRETS}
        return [
            f"{name} in {where}" for where, text in self.texts() for name, value in secrets.items() if value in text
        ]
