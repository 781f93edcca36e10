"""Containers and processes get the same commands, variables and checks; only hosts, ports and paths differ."""

import re
from pathlib import Path

import pytest

from ml.stack.places import Places
from ml.stack.supervisor import render_config
from ml.stack.team.program import Program
from ml.stack.team.programs import programs
from ml.stack.team.secrets_file import SECRETS
from ml.stack.team.services import team_services
from ml.stack.team.site import Site, containers, processes
from warehouse.settings import Settings

PORTS = {"airflow_port": 20001, "mlflow_port": 20002, "postgres_port": 20003, "spark_master_port": 20004}
SETTINGS = Settings(home=Path("/srv/a home#1"), spark_ui_port=20005, spark_workers=2, **PORTS)


def neutral(site: Site, text: str) -> str:
    """The text without what differs between two sites."""
    folders = {
        site.postgres_data: "DATA",
        site.artifacts: "ARTIFACTS",
        site.scratch: "SCRATCH",
        site.settings.home: "HOME",
        site.interpreter: "PYTHON",
        site.repository: "PROJECT",
    }
    text = text.removeprefix(site.postgres_programs)
    for folder, name in folders.items():
        text = text.replace(str(folder), name)
    text = text.removeprefix(site.postgres_programs).replace(
        f"directories={site.postgres_socket}", "directories=SOCKET"
    )
    text = re.sub(r"\$\{\w+:-(\d+)\}", r"\1", text)
    text = re.sub(r"spark-worker-1", "spark-worker", text)
    text = re.sub(r"\b(0\.0\.0\.0|127\.0\.0\.1|postgres|mlflow|spark-master|airflow-api-server)(?=\b)", "HOST", text)
    return re.sub(r"\b\d{4,5}\b", "PORT", text)


def described(site: Site, program: Program) -> dict[str, object]:
    return {
        "command": [neutral(site, part) for part in program.command],
        "check": [neutral(site, part) for part in program.check],
        "environment": {name: neutral(site, value) for name, value in program.environment.items()},
        "secrets": program.secrets,
        "after": {name.removesuffix("-1"): state for name, state in program.after.items() if name != "spark-worker-2"},
    }


def test_both_sites_run_the_same_programs() -> None:
    there, here = containers(), processes(SETTINGS)
    in_containers = {each.name: described(there, each) for each in programs(there)}
    as_processes = {each.name.removesuffix("-1"): described(here, each) for each in programs(here)}
    del as_processes["spark-worker-2"]
    assert as_processes == in_containers


def test_every_worker_has_a_port_and_a_folder_of_its_own() -> None:
    first, second = (each.command for each in programs(processes(SETTINGS)) if each.name.startswith("spark-worker"))
    assert [(one, other) for one, other in zip(first, second, strict=True) if one != other] == [
        ("/srv/a home#1/spark/work/spark-worker-1", "/srv/a home#1/spark/work/spark-worker-2"),
        ("20006", "20007"),
    ]


def test_a_program_waits_only_for_programs_before_it() -> None:
    seen: set[str] = set()
    for program in programs(processes(SETTINGS)):
        assert set(program.after) <= seen
        seen.add(program.name)


@pytest.mark.parametrize("program", programs(processes(SETTINGS)), ids=lambda program: program.name)
def test_a_process_is_started_without_the_secrets_of_the_others(program: Program) -> None:
    service = next(each for each in team_services(processes(SETTINGS), {}) if each.name == program.name)
    removed = {name for flag, name in zip(service.command, service.command[1:], strict=False) if flag == "-u"}
    kept = set(SECRETS) - removed
    assert kept == {name for name in program.secrets if name in SECRETS}
    assert service.renamed == {name: secret for name, secret in program.secrets.items() if name != secret}


def test_the_supervisor_s_configuration_refers_to_secrets_and_holds_none() -> None:
    config = render_config(Places.of(SETTINGS), team_services(processes(SETTINGS), {}))
    sections = {part.split("]")[0]: part for part in config.split("[program:")[1:]}
    assert 'environment = PGPASSWORD="%(ENV_NIGHTJAR_MLFLOW_DATABASE_PASSWORD)s"\n' in sections["mlflow"]
    assert 'environment = PGPASSWORD="%(ENV_NIGHTJAR_AIRFLOW_DATABASE_PASSWORD)s"\n' in sections["airflow-scheduler"]
    assert "environment" not in sections["spark-master"]
    assert "autorestart = false" in sections["init-airflow"]
    assert "autorestart = true" in sections["mlflow"]
    assert "/srv/a home#1/mlartifacts" in sections["mlflow"]
