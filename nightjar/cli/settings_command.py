"""`nightjar settings`: every setting with its variable, its default and what it does."""

from typing import Annotated

import typer

from nightjar.contract.settings import Settings, variable
from nightjar.contract.settings.field import SettingsGroup
from nightjar.contract.settings.registry import RegisteredSetting, registered


def settings_table(of: type[SettingsGroup] = Settings, *, basic: bool = False) -> str:
    """Return the settings, or the basic ones, as a Markdown table, group by group."""
    shown = [each for each in registered(of) if each.traits.is_basic or not basic]
    return "\n".join(["| variable | default | what it does |", "|---|---|---|", *map(_row, shown)])


def settings(
    basic: Annotated[bool, typer.Option("--basic", help="Only what a newcomer needs.")] = False,
) -> None:
    """Print the table of settings."""
    print(settings_table(basic=basic))


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(settings)


def _row(each: RegisteredSetting) -> str:
    return f"| `{variable(each.name)}` | `{each.field.default}` | {each.field.description} |"
