"""The `nightjar` command: prints one line for each error and ends with its exit code; a traceback only with --debug."""

import sys
import traceback
from functools import cache

import typer

from nightjar.cli import stage_commands, tune_commands
from nightjar.cli.repeated_options import refuse_repeated_options
from nightjar.contract.disk_space import disk_full_error, is_disk_full
from nightjar.contract.errors import NightjarError
from nightjar.contract.file_access import access_error
from nightjar.contract.progress import error_line
from nightjar.contract.settings import load_settings


@cache
def application(*, only_stages: bool = False) -> typer.Typer:
    """Return the command.

    Args:
        only_stages: leave out all other commands: a run starts a dozen stages, and their imports take a second.
    """
    app = typer.Typer(
        help="Retrains a recommender on a schedule and publishes its recommendations to warehouse tables.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    app.add_typer(stage_commands.app, name="stage", help="Run one stage of a run, as its Airflow task does.")
    tune_commands.register(app, stage_commands.app)
    if not only_stages:
        _add_commands_of_people(app)
    refuse_repeated_options(app)
    return app


def _options(debug: bool = typer.Option(False, help="Print the traceback of an error.")) -> None:
    """Options of every command; `main` reads --debug itself, because it handles the errors."""


def _add_commands_of_people(app: typer.Typer) -> None:
    from nightjar.cli import (
        docs_command,
        embed_commands,
        events_commands,
        explore_command,
        import_commands,
        performance_command,
        read_commands,
        retention_command,
        run_commands,
        settings_command,
        stack_commands,
        warehouse_commands,
    )

    app.add_typer(import_commands.app, name="import", help="Import interactions, items and users into the raw tables.")
    app.add_typer(embed_commands.app, name="embed", help="Encode items' texts and images into raw.item_vectors.")
    app.add_typer(events_commands.app, name="events", help="Show and set the weights of event types.")
    app.add_typer(stack_commands.app, name="stack", help="Start, stop and show the servers of a home.")
    app.add_typer(warehouse_commands.app, name="warehouse", help="Initialise a warehouse that a team shares.")
    run_commands.register(app)
    read_commands.register(app)
    performance_command.register(app)
    explore_command.register(app)
    retention_command.register(app)
    settings_command.register(app)
    docs_command.register(app)


def main() -> None:
    """Run the command and turn an error into one line and its exit code."""
    try:
        application(only_stages=sys.argv[1:2] == ["stage"])()
    except NightjarError as error:
        _fail(error, error, shows_traceback="--debug" in sys.argv)
    except Exception as error:
        # An unexpected error: the log of a stage always has its traceback, a person requests it.
        unexpected = NightjarError(
            f"unexpected {type(error).__name__}: {error} (nightjar --debug shows where)",
            code="unexpected_error",
            kind=type(error).__name__,
        )
        _fail(unexpected, error, shows_traceback="--debug" in sys.argv or "stage" in sys.argv[1:2])


def _fail(error: NightjarError, cause: Exception, *, shows_traceback: bool) -> None:
    if is_disk_full(cause):
        error = disk_full_error(load_settings().home)
    elif refusal := access_error(cause):
        error = refusal
    if shows_traceback:
        traceback.print_exc()
    print(error_line(error), flush=True)
    sys.exit(error.exit_code)
