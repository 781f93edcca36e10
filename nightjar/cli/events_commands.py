"""`nightjar events`: the weight of each event type, and its number of events."""

from pathlib import Path
from typing import Annotated

import typer

from nightjar.cli.console_tables import plain_console, print_rows
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import load_settings
from nightjar.publishing.event_counts import count_types, unknown_types_line
from nightjar.warehouse import event_weight_changes, event_weights
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.event_weights import EventWeight, normal_name

app = typer.Typer()

MinValue = Annotated[float | None, typer.Option(help="Smallest event value that the weight applies to. Empty: any.")]


@app.callback(invoke_without_command=True)
def events(context: typer.Context) -> None:
    """Show every event type with its weight and number of events; types without a weight are marked."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    with open_warehouse(settings).connect(read_only=True) as connection:
        rows, counts = event_weights.read(connection), count_types(connection)
    known = {row.event_type for row in rows}
    unknown = {name: count for name, count in counts.items() if name not in known}
    table: list[tuple[object, ...]] = [
        (name, settings.unknown_event_weight, None, None, f"{unknown[name]:,}", "unknown") for name in unknown
    ]
    ordered = sorted(rows, key=lambda row: -counts.get(row.event_type, 0))
    table += [
        (row.event_type, row.weight, row.min_value, row.half_life_days, f"{counts.get(row.event_type, 0):,}", "")
        for row in ordered
    ]
    names = ("event_type", "weight", "min_value", "half_life_days", "events", "")
    print_rows(plain_console(120), "Event types", names, table)
    if unknown:
        typer.echo(f"warning: {unknown_types_line(unknown, settings.unknown_event_weight)}")


@app.command("set")
def set_weight(
    event_type: Annotated[str, typer.Argument(metavar="[TYPE]", help="The event type, upper or lower case.")] = "",
    weight: Annotated[
        float | None, typer.Option(help="Weight of one event, at least 0; 0: seen but not liked.")
    ] = None,
    min_value: MinValue = None,
    half_life_days: Annotated[
        float | None, typer.Option(help="Half-life in days. Empty: unchanged, or no decay.")
    ] = None,
    no_decay: Annotated[bool, typer.Option("--no-decay", help="Remove the half-life.")] = False,
    file: Annotated[
        Path | None,
        typer.Option(help="CSV of event_type, weight, min_value, half_life_days: replaces the weights of its types."),
    ] = None,
) -> None:
    """Set the weight of an event type, for runs whose snapshot is unloaded from now on.

    A type may have several rows with different --min-value: an event has the weight of the
    highest min_value that its value reaches.
    """
    warehouse = open_warehouse(load_settings())
    if file is not None:
        if event_type or weight is not None or min_value is not None or half_life_days is not None or no_decay:
            raise BadInput(
                "--file sets every column of its rows: leave out TYPE and the other options",
                code="conflicting_options",
                options=["--file", "TYPE"],
            )
        rows = event_weights.read_file(file)
        event_weight_changes.set_types(warehouse, rows)
        typer.echo(f"{len(rows)} rows set, of {len({row.event_type for row in rows})} event types")
        return
    if not normal_name(event_type) or weight is None:
        raise BadInput(
            "TYPE or --weight is missing: nightjar events set TYPE --weight W, or --file weights.csv",
            code="missing_option",
            option="--weight",
        )
    if no_decay and half_life_days is not None:
        raise BadInput(
            "--no-decay and --half-life-days contradict each other: give one of them",
            code="conflicting_options",
            options=["--no-decay", "--half-life-days"],
        )
    row = event_weight_changes.set_one(
        warehouse,
        EventWeight(normal_name(event_type), weight, min_value, half_life_days),
        keeps_half_life=half_life_days is None and not no_decay,
    )
    decay = f"half after {row.half_life_days:g} days" if row.half_life_days else "no decay"
    typer.echo(f"{row.name}: weight {row.weight:g}, {decay}")


@app.command()
def unset(
    event_type: Annotated[str, typer.Argument(metavar="TYPE", help="The event type.")], min_value: MinValue = None
) -> None:
    """Remove the weight of a type: its events then weigh NIGHTJAR_UNKNOWN_EVENT_WEIGHT."""
    removed = event_weight_changes.unset(open_warehouse(load_settings()), normal_name(event_type), min_value)
    typer.echo(f"{normal_name(event_type)}: {removed} {'row' if removed == 1 else 'rows'} removed")


@app.command()
def reset(
    event_type: Annotated[str, typer.Argument(metavar="[TYPE]", help="The event type.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="All types; types that are not shipped are removed.")
    ] = False,
) -> None:
    """Restore the shipped weights of a type, or with --all of every type."""
    if bool(event_type) == everything:
        raise BadInput(
            "name one TYPE, or give --all to replace every weight by the shipped ones",
            code="conflicting_options" if everything else "missing_option",
            options=["TYPE", "--all"],
        )
    rows = event_weight_changes.reset(open_warehouse(load_settings()), normal_name(event_type) or None)
    typer.echo(f"{normal_name(event_type) or 'all event types'}: {rows} shipped {'row' if rows == 1 else 'rows'}")
