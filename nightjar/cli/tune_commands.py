"""`nightjar tune` and `nightjar recipes`: search for better settings, and see which nights take them."""

from datetime import date as calendar_date
from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nightjar.contract.interval import of_date
from nightjar.contract.settings import Settings, load_settings
from nightjar.contract.tuned_configuration import Recipe
from nightjar.publishing.tuned_configurations import entries, in_force
from nightjar.publishing.tuning_folder import TuningFolder

Day = Annotated[str, typer.Option(help="Newest data date to see, YYYY-MM-DD. Empty: the newest published one.")]
Minutes = Annotated[int, typer.Option(min=0, help="How long to search; 0: as NIGHTJAR_TUNING_MINUTES says.")]
Trials = Annotated[int, typer.Option(min=0, help="How many candidates to try; 0: as many as the minutes allow.")]

_LAST_DAY = calendar_date.max


def tune(date: Day = "", minutes: Minutes = 0, trials: Trials = 0) -> None:
    """Search for better settings inside the training part of a published date; the best has to pass the gate.

    Nothing is published. Nights of later dates train with the recipe that passed, see NIGHTJAR_RECIPE.
    """
    settings = load_settings()
    folder = import_module("nightjar.stages.begin_tuning").run(settings, date)
    print(_tuned(settings, folder, minutes, trials))


def recipes(
    date: Annotated[str, typer.Option(help="Night to ask for, YYYY-MM-DD. Empty: the nights to come.")] = "",
) -> None:
    """Show what every search came to, and which recipe a night takes."""
    settings = load_settings()
    night = of_date(date).data_date if date else _LAST_DAY
    taken = in_force(settings, night)
    table = Table("recipe", "verdict", "settings", "reason", title="Recipes, oldest date first", title_justify="left")
    for entry in entries(settings.lake):
        table.add_row(entry.recipe.name, entry.verdict, _values(entry.recipe), f"against {entry.rival}; {entry.reason}")
    if table.row_count:
        Console(width=120, highlight=False).print(table)
    print(f"{f'a night of {date}' if date else 'a night to come'} takes {taken.says()}")


def _values(recipe: Recipe) -> str:
    return "\n".join(f"{name} {value:g}" for name, value in recipe.values.items())


def begin_tuning(date: Day = "") -> None:
    """Number a search for better settings, unload what it may see, and print its name."""
    print(import_module("nightjar.stages.begin_tuning").run(load_settings(), date).name)


def tune_model(
    tuning: Annotated[str, typer.Option(help="The search's name.")], minutes: Minutes = 0, trials: Trials = 0
) -> None:
    """Search for better settings and let the best face the gate."""
    settings = load_settings()
    print(_tuned(settings, TuningFolder.of(settings.lake, tuning), minutes, trials))


def _tuned(settings: Settings, folder: TuningFolder, minutes: int, trials: int) -> str:
    said: str = import_module("ml.stages.tune_model").run(
        settings, folder, minutes or settings.tuning_minutes, trials or None
    )
    return said


def register(app: typer.Typer, stages: typer.Typer) -> None:
    """Add the commands to the main app, and to the stages those that the DAG's tasks launch."""
    for command in (tune, recipes):
        app.command()(command)
    for stage in (begin_tuning, tune_model):
        stages.command()(stage)
