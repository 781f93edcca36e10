"""The `nightjar` command: prints one line for each error and ends with its exit code; a traceback only with --debug."""

import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib import import_module

import typer

from nightjar.cli.overview import ENTRIES, add_commands, add_summaries
from nightjar.cli.repeated_options import refuse_repeated_options
from nightjar.contract.errors import NightjarError


@cache
def application(name: str | None = None) -> typer.Typer:
    """Return the application.

    Args:
        name: of the one command that is needed; a run starts a dozen stages, and all imports take seconds.
    """
    app = _without_commands()
    add_commands(app, name)
    refuse_repeated_options(app)
    return app


def _without_commands() -> typer.Typer:
    app = typer.Typer(
        help="Retrains a recommender on a schedule and publishes its recommendations to warehouse tables.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    return app


def _needed(arguments: Sequence[str]) -> typer.Typer:
    """Return the application with what one call needs."""
    name = next((each for each in arguments if not each.startswith("-")), None)
    if name in {entry.name for entry in ENTRIES}:
        return application(name)
    # Completion in a shell asks by a variable, for the options of any command.
    if not arguments and import_module("nightjar.contract.environment").inherited("_NIGHTJAR_COMPLETE"):
        return application()
    app = _without_commands()
    add_summaries(app)
    return app


def _options(debug: bool = typer.Option(False, help="Print the traceback of an error.")) -> None:
    """Options of every command; `main` reads --debug itself, because it handles the errors."""


def main() -> None:
    """Run the command and turn an error into one line and its exit code."""
    try:
        _needed(sys.argv[1:])()
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
    # Imported here: the help needs no settings, which take a third of a second to import.
    from nightjar.contract.disk_space import disk_full_error, is_disk_full
    from nightjar.contract.file_access import access_error
    from nightjar.contract.progress import error_line
    from nightjar.contract.settings import load_settings

    if is_disk_full(cause):
        error = disk_full_error(load_settings().home)
    elif refusal := access_error(cause):
        error = refusal
    if shows_traceback:
        traceback.print_exc()
    print(error_line(error), flush=True)
    sys.exit(error.exit_code)
