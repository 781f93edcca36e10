"""`nightjar explore`: the output tables in a browser."""

from importlib import import_module

import typer

from warehouse.settings import load_settings


def explore() -> None:
    """Show users, items, quality, clicks and nights in a browser; only reads, on loopback, until Ctrl-C."""
    import_module("ml.explorer.server").serve(load_settings())


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(explore)
