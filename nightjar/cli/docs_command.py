"""`nightjar docs`: one page with every table and column, their lineage and their SQL."""

import typer

from nightjar.contract.settings import load_settings
from nightjar.warehouse.dbt_runner import tables_page, write_tables_page


def docs() -> None:
    """Write the page of all tables and columns and print its path; `make up` serves it, and it needs no network."""
    settings = load_settings()
    write_tables_page(settings)
    print(tables_page(settings))


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(docs)
