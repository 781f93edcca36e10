"""The commands by name, and the modules that have them: `nightjar --help` and each command import no other one."""

from dataclasses import dataclass
from importlib import import_module

import typer


@dataclass(frozen=True)
class Entry:
    """A command or a group of commands.

    Attributes:
        name: what follows `nightjar`.
        module: of `nightjar.cli`; it has `register` for commands, `app` for a group.
        summary: one sentence; that of a command is the first of its docstring.
        is_group: whether commands follow the name.
    """

    name: str
    module: str
    summary: str
    is_group: bool = False


# In the order of the help.
ENTRIES = (
    Entry(
        "tune",
        "tune_commands",
        "Search for a better configuration inside the training part of a published date; the best has to pass the "
        "gates.",
    ),
    Entry("recipes", "tune_commands", "Show the result of every search, and the configuration that a run trains with."),
    Entry("run", "run_commands", "Run the nightly DAG for the data interval that holds a date, without a scheduler."),
    Entry(
        "backfill",
        "run_commands",
        "Run the nightly DAG for each data interval of a range of dates; stop at the first failure.",
    ),
    Entry(
        "rollback",
        "run_commands",
        "Point readers to an earlier publication and MLflow's alias `champion` to its model, without retraining.",
    ),
    Entry(
        "status",
        "read_commands",
        "Show the current publication, the last ledger entries, and failed or unpublished attempts with the reasons.",
    ),
    Entry(
        "recommend",
        "read_commands",
        "Show one user's recommendations, with their events since the last run; the popular items for an unknown user.",
    ),
    Entry("similar", "read_commands", "Show the similar items of one item, in every domain."),
    Entry(
        "report",
        "read_commands",
        "Write the run report, one HTML page, into the attempt's run folder and print its path.",
    ),
    Entry(
        "performance",
        "performance_command",
        "Update clicks and conversions and show each variant beside the control.",
    ),
    Entry(
        "explore",
        "explore_command",
        "Serve read-only pages about users, items, quality, clicks and runs; Ctrl-C ends it.",
    ),
    Entry(
        "retention",
        "retention_command",
        "Delete the data of old attempts and searches, by the settings NIGHTJAR_RETENTION_*.",
    ),
    Entry("settings", "settings_command", "Print the table of settings."),
    Entry(
        "docs",
        "docs_command",
        "Write the page of all tables and columns and print its path; `make up` serves it, and it needs no network.",
    ),
    Entry("stage", "stage_commands", "Run one stage of a run, as its Airflow task does.", is_group=True),
    Entry("import", "import_commands", "Import interactions, items and users into the raw tables.", is_group=True),
    Entry("embed", "embed_commands", "Encode items' texts and images into raw.item_vectors.", is_group=True),
    Entry("events", "events_commands", "Show and set the weights of event types.", is_group=True),
    Entry("stack", "stack_commands", "Start, stop and show the servers of a home.", is_group=True),
    Entry("warehouse", "warehouse_commands", "Initialise a warehouse that a team shares.", is_group=True),
)


def add_commands(app: typer.Typer, name: str | None = None) -> None:
    """Add the commands of the modules; of the one module that has a command alone, where its name is given."""
    chosen = [entry for entry in ENTRIES if name in (None, entry.name)]
    for module in dict.fromkeys(entry.module for entry in chosen if not entry.is_group):
        import_module(f"nightjar.cli.{module}").register(app)
    for entry in chosen:
        if entry.is_group:
            app.add_typer(import_module(f"nightjar.cli.{entry.module}").app, name=entry.name, help=entry.summary)


def add_summaries(app: typer.Typer) -> None:
    """Add a command of each name that does nothing: enough for the help, and to refuse an unknown name."""
    for entry in ENTRIES:
        app.command(entry.name, help=entry.summary)(_nothing)


def _nothing() -> None:
    """Do nothing."""
