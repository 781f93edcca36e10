"""`nightjar explore`: the output tables in a browser."""

from importlib import import_module
from typing import Annotated

import typer

from nightjar.contract.settings import load_settings
from nightjar.stack.environment import LOOPBACK


def explore(
    host: Annotated[
        str, typer.Option(help="Address to listen on. Nothing asks who is looking: a container's own, or loopback.")
    ] = LOOPBACK,
) -> None:
    """Show users, items, quality, clicks and runs in a browser; only reads, until Ctrl-C."""
    import_module("nightjar.explorer.server").serve(load_settings(), host)


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(explore)
