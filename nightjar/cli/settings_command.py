"""`nightjar settings`: every setting with its variable, its default and what it does."""

import typer

from nightjar.contract.settings import Settings, variable


def settings_table() -> str:
    """Return the settings as a Markdown table, in the order of the settings object."""
    lines = ["| variable | default | what it does |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        lines.append(f"| `{variable(name)}` | `{field.default}` | {field.description} |")
    return "\n".join(lines)


def settings() -> None:
    """Print the table of settings."""
    print(settings_table())


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(settings)
