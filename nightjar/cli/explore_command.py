"""`nightjar explore`: the output tables in a browser."""

from importlib import import_module
from typing import Annotated

import typer

from nightjar.contract.settings import load_settings
from nightjar.stack.environment import LOOPBACK


def explore(
    host: Annotated[
        str, typer.Option(help="Address to listen on. There is no login: use loopback, or a container's own address.")
    ] = LOOPBACK,
) -> None:
    """Serve read-only pages about users, items, quality, clicks and runs; Ctrl-C ends it."""
    import_module("nightjar.explorer.server").serve(load_settings(), host)


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(explore)
