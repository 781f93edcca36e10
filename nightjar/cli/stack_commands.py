"""`nightjar stack`: starts, stops and shows the stack of a home, and runs the initial steps of a team's stack."""

from typing import Annotated

import typer

from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings, load_settings
from nightjar.stack.credentials import USER
from nightjar.stack.environment import LOOPBACK, airflow_address, mlflow_address, tables_address
from nightjar.stack.lifecycle import start_stack, stop_stack
from nightjar.stack.paths import StackPaths
from nightjar.stack.supervisor import program_states
from nightjar.stack.team import initialisation
from nightjar.stack.team.compose_file import COMPOSE_FILE, DEFAULTS_FILE, file_text
from nightjar.stack.team.secrets_file import AIRFLOW_ADMIN

app = typer.Typer(no_args_is_help=True)


@app.command()
def up(
    deadline_seconds: Annotated[float, typer.Option(help="Seconds until every program must be healthy.")] = 300.0,
) -> None:
    """Start the stack, wait until it is healthy, and print its addresses."""
    settings = load_settings()
    started = start_stack(settings, lambda line: print(line, flush=True), deadline_seconds=deadline_seconds)
    print("The stack is up." if started else "The stack is already running.")
    _print_addresses(settings)


@app.command()
def down() -> None:
    """Stop the stack of this home and nothing else; its data stays."""
    settings = load_settings()
    ended = stop_stack(settings)
    print(f"The stack is down: {ended} processes ended." if ended else f"No stack of {settings.home} is running.")


@app.command()
def status() -> None:
    """Print the state of each program, and the addresses."""
    settings = load_settings()
    states = program_states(StackPaths.of(settings))
    if states is None:
        raise NightjarError(f"no stack of {settings.home} is running", code="stack_not_running", path=settings.home)
    for each in states:
        print(f"{each.name:24}{each.state:10}{each.pid or '-'}")
    _print_addresses(settings)


@app.command(deprecated=True)
def compose(
    defaults: Annotated[bool, typer.Option("--defaults", help="Print docker-compose.env instead.")] = False,
) -> None:
    """Print docker-compose.yml, which is kept by hand; the next release removes this command."""
    print(file_text(DEFAULTS_FILE if defaults else COMPOSE_FILE), end="")


@app.command()
def init_databases() -> None:
    """Create the databases and roles of the team stack on its PostgreSQL server; idempotent."""
    initialisation.init_databases(load_settings())


@app.command()
def init_airflow() -> None:
    """Bring Airflow's database to this version, with its pools and its user admin; idempotent."""
    initialisation.init_airflow(load_settings())


def _print_addresses(settings: Settings) -> None:
    paths = StackPaths.of(settings)
    team = settings.stack_kind == "team"
    password = f"{AIRFLOW_ADMIN} in {paths.team_secrets}" if team else f"password in {paths.password}"
    print(f"Airflow  {airflow_address(settings)}  user {USER}, {password}")
    print(f"Tables   {tables_address(settings)}")
    print(f"MLflow   {mlflow_address(settings)}")
    if team:
        print(f"Spark    http://{LOOPBACK}:{settings.spark_ui_port}")
        print(f"Explorer http://{LOOPBACK}:{settings.explorer_port}")
        print(f"Postgres {LOOPBACK}:{settings.postgres_port}  database {settings.postgres_database}")
    print(f"Logs     {paths.logs}")
