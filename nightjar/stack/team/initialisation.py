"""The steps of the team's stack before its servers start, on every start: each is idempotent."""

import subprocess
import sys

from nightjar.contract.environment import inherited_environment
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from nightjar.stack.airflow_repair import repair_airflow
from nightjar.stack.prepare_home import migrate_airflow, register_dags
from nightjar.stack.team.databases import create_databases
from nightjar.warehouse.dbt_runner import write_tables_page
from nightjar.warehouse.postgres.initialisation import initialise


def init_databases(settings: Settings) -> None:
    """Create the roles and databases of every program on the server, and the warehouse's schemas.

    Raises:
        BadInput: a password is missing, or the server does not let the administrator in.
    """
    create_databases(settings)
    print(f"{initialise(settings)} is initialised", flush=True)


def init_airflow(settings: Settings) -> None:
    """Bring Airflow's database to this version, with pools, DAGs and the first user; compile the dbt project.

    Rows of earlier versions of the project are repaired.

    Raises:
        NightjarError: a command failed; the message holds its last line.
    """
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    environment = inherited_environment()
    migrate_airflow(environment, settings.airflow_home)
    repair_airflow(environment)
    command = [sys.executable, "-m", "nightjar.stack.team.airflow_admin"]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise NightjarError("Airflow's first user was not created: see above", code="command_failed", value=command[-1])
    write_tables_page(settings)
    register_dags(environment)
