"""`nightjar warehouse`: what an administrator runs once for a warehouse that a team shares."""

import typer

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import load_settings
from nightjar.warehouse.postgres.initialisation import initialise

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _commands() -> None:
    """Keep `init` a subcommand although it is the only one."""


@app.command()
def init() -> None:
    """Create PostgreSQL's database, roles, schemas, rights and tables where they are missing; idempotent.

    Connects as NIGHTJAR_POSTGRES_ADMIN_USER and gives the roles the passwords of the settings.
    """
    settings = load_settings()
    if settings.warehouse_engine != "postgres":
        raise BadInput(
            f"NIGHTJAR_WAREHOUSE_ENGINE={settings.warehouse_engine}: only postgres has to be initialised",
            code="unsupported_engine",
            setting="NIGHTJAR_WAREHOUSE_ENGINE",
            value=settings.warehouse_engine,
            expected="postgres",
        )
    print(f"{initialise(settings)} is initialised")
