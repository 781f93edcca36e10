"""`nightjar tune` and `nightjar recipes`: search for a better configuration, and show what runs train with."""

from datetime import date as calendar_date
from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nightjar.contract.interval import of_date
from nightjar.contract.settings import Settings, load_settings
from nightjar.contract.tuned_configuration import TunedConfiguration
from nightjar.publishing.tuned_configurations import in_force, search_results
from nightjar.publishing.tuning_folder import TuningFolder

Day = Annotated[str, typer.Option(help="Newest data date to use, YYYY-MM-DD. Empty: the newest published one.")]
Minutes = Annotated[int, typer.Option(min=0, help="Minutes to search; 0: NIGHTJAR_TUNING_MINUTES.")]
Trials = Annotated[int, typer.Option(min=0, help="Trials to make; 0: as many as the minutes allow.")]

_LAST_DAY = calendar_date.max


def tune(date: Day = "", minutes: Minutes = 0, trials: Trials = 0) -> None:
    """Search for a better configuration inside the training part of a published date; the best has to pass the gates.

    Nothing is published. Runs of later dates train with the configuration that passed, see NIGHTJAR_RECIPE.
    """
    settings = load_settings()
    folder = import_module("nightjar.stages.begin_tuning").run(settings, date)
    print(_search(settings, folder, minutes, trials))


def recipes(
    date: Annotated[str, typer.Option(help="Data date of the run, YYYY-MM-DD. Empty: the next run.")] = "",
) -> None:
    """Show the result of every search, and the configuration that a run trains with."""
    settings = load_settings()
    data_date = of_date(date).data_date if date else _LAST_DAY
    configuration = in_force(settings, data_date)
    title = "Tuned configurations, oldest date first"
    table = Table("name", "verdict", "settings", "reason", title=title, title_justify="left")
    for each in search_results(settings.lake):
        reason = f"against {each.compared_with}; {each.reason}"
        table.add_row(each.configuration.name, each.verdict, _values(each.configuration), reason)
    if table.row_count:
        Console(width=120, highlight=False).print(table)
    print(f"{f'the run of {date}' if date else 'the next run'} trains with {configuration.label}")


def _values(configuration: TunedConfiguration) -> str:
    return "\n".join(f"{name} {value:g}" for name, value in configuration.values.items())


def begin_tuning(date: Day = "") -> None:
    """Number a search for a better configuration, unload its snapshot, and print its name."""
    print(import_module("nightjar.stages.begin_tuning").run(load_settings(), date).name)


def tune_model(
    tuning: Annotated[str, typer.Option(help="The search's name.")], minutes: Minutes = 0, trials: Trials = 0
) -> None:
    """Search for a better configuration and gate the best one."""
    settings = load_settings()
    print(_search(settings, TuningFolder.of(settings.lake, tuning), minutes, trials))


def _search(settings: Settings, folder: TuningFolder, minutes: int, trials: int) -> str:
    summary: str = import_module("ml.stages.tune_model").run(
        settings, folder, minutes or settings.tuning_minutes, trials or None
    )
    return summary


def register(app: typer.Typer) -> None:
    """Add the commands to the main app."""
    for command in (tune, recipes):
        app.command()(command)


def register_stages(stages: typer.Typer) -> None:
    """Add what the tasks of the DAG launch to the stages."""
    for stage in (begin_tuning, tune_model):
        stages.command()(stage)
