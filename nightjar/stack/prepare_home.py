"""Prepares a home: the warehouse's tables, Airflow's metadata database and pools, the compiled dbt project."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import NightjarError, last_line
from nightjar.contract.settings import Settings
from nightjar.warehouse.dbt_runner import write_manifest
from nightjar.warehouse.engines import open_warehouse

# Arguments of commands of Airflow.
Commands = list[list[str]]

# One slot each: DuckDB allows one writing process, runs publish in turn on any engine, and a training or a Spark job
# uses all cores.
POOLS = {
    "warehouse_writer": {"slots": 1, "description": "Writes to the warehouse", "include_deferred": False},
    "compute": {"slots": 1, "description": "Uses all cores of a machine", "include_deferred": False},
}


def prepare_data(settings: Settings) -> None:
    """Create the warehouse's tables and compile the dbt project, where they are missing."""
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    open_warehouse(settings).create_tables()
    write_manifest(settings)


def prepare_airflow(environment: dict[str, str], stamp_folder: Path) -> bool:
    """Bring the metadata database that the environment names to this Airflow's version, and create the pools.

    A file in the stamp folder marks that it was done; delete it together with the database.

    Returns:
        Whether anything was done.

    Raises:
        NightjarError: a command failed; the message holds its last line.
    """
    commands = missing_preparation(stamp_folder)
    if not commands:
        return False
    _airflow(environment, *commands)
    mark_prepared(stamp_folder)
    return True


def missing_preparation(stamp_folder: Path) -> Commands:
    """Return the commands of Airflow that `prepare_airflow` would run, for a process that has Airflow imported."""
    prepared = _stamp(stamp_folder)
    if prepared.exists() and prepared.read_text(encoding="utf-8") == _pools():
        return []
    return _migration(stamp_folder)


def mark_prepared(stamp_folder: Path) -> None:
    """Mark that the commands were run."""
    write_text(_stamp(stamp_folder), _pools())


def migrate_airflow(environment: dict[str, str], folder: Path) -> None:
    """Do the same as `prepare_airflow` unconditionally; the file of the pools is written to the folder.

    Raises:
        NightjarError: a command failed; the message holds its last line.
    """
    _airflow(environment, *_migration(folder))


def _migration(folder: Path) -> Commands:
    folder.mkdir(parents=True, exist_ok=True)
    pools = folder / "pools.json"
    write_text(pools, _pools())
    return [["db", "migrate"], ["pools", "import", str(pools)]]


def _stamp(folder: Path) -> Path:
    return folder / f"prepared-for-{version('apache-airflow')}.json"


def _pools() -> str:
    return json.dumps(POOLS, indent=2)


def register_dags(environment: dict[str, str]) -> None:
    """Write the DAGs into the metadata database, so that a healthy server lists them.

    The DAG processor does the same, but reports healthy some seconds before it is done.

    Raises:
        NightjarError: the command failed; the message holds its last line.
    """
    _airflow(environment, ["dags", "reserialize"])


def _airflow(environment: dict[str, str], *commands: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "dags.support.airflow_commands", json.dumps(commands)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        named = " && ".join(f"airflow {' '.join(each)}" for each in commands)
        raise NightjarError(
            f"{named} failed: {last_line(done)}", code="command_failed", command=named, exit_code=done.returncode
        )
