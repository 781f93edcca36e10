"""`nightjar docs`: one page with every table and column, what reads what, and the SQL behind it."""

import typer

from nightjar.contract.settings import load_settings
from nightjar.warehouse.dbt_runner import tables_page, write_tables_page


def docs() -> None:
    """Write the page about every table and column and print its path; it needs no network, and `make up` shows it."""
    settings = load_settings()
    write_tables_page(settings)
    print(tables_page(settings))


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(docs)
