"""`nightjar retention`: deletes the data of old attempts and searches; only lists it without --apply."""

from importlib import import_module
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nightjar.contract.interval import parse_date
from nightjar.contract.settings import Settings, load_settings
from nightjar.publishing.retention.old_tunings import OldTuning, old_tunings, remove_tuning
from nightjar.publishing.retention.plan import Part, Plan
from nightjar.publishing.retention.removal import Removal, default_as_of, remove_files, remove_rows, survey
from nightjar.warehouse import readers_snapshot
from nightjar.warehouse.engines import open_warehouse


def retention(
    apply: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Delete, or only list what would be deleted.")
    ] = False,
    as_of: Annotated[
        str, typer.Option(help="Data date from which ages count, YYYY-MM-DD. Empty: that of the current publication.")
    ] = "",
) -> None:
    """Delete the data of old attempts and searches, by the settings NIGHTJAR_RETENTION_*.

    The data of the current publication and of the rollback targets always stays, and so do the ledger, the attempts,
    the gate decisions, the metrics of every run and the tuned configurations.
    """
    settings = load_settings()
    warehouse = open_warehouse(settings)
    counted_from = parse_date(as_of, option="--as-of") if as_of else default_as_of(warehouse)
    if counted_from is None:
        print("nothing is published yet: nothing to delete")
        return
    plan, removals = survey(warehouse, settings, counted_from)
    runs = _forgettable_runs(settings, plan)
    tunings = old_tunings(warehouse, settings, counted_from)
    tuning_runs = _tuning_runs(settings, tunings)
    _show(removals, runs)
    for tuning in tunings:
        deleted = "its folder and MLflow runs" if tuning.deletes_mlflow_runs else "its working files"
        print(f"tuning {tuning.name}: {deleted}")
    if apply:
        plan = remove_rows(warehouse, settings, counted_from)
        remove_files(settings, plan)
        runs = _forgettable_runs(settings, plan)
        if runs or tuning_runs:
            import_module("ml.tracking").delete_runs(settings, [*runs.values(), *tuning_runs])
        for tuning in tunings:
            remove_tuning(tuning)
        readers_snapshot.refresh(warehouse, "old attempts were removed")
    rows = sum(each.rows for each in removals)
    file_bytes = sum(each.file_bytes for each in removals) + sum(each.file_bytes for each in tunings)
    run_count = len(runs) + len(tuning_runs)
    print(
        f"{'removed' if apply else 'would remove'} {rows:,} rows, {file_bytes / 1e6:,.1f} MB of files and {run_count} "
        f"MLflow run{'' if run_count == 1 else 's'}, as of {counted_from}"
        f"{'' if apply else '; nightjar retention --apply does it'}"
    )


def register(app: typer.Typer) -> None:
    """Add the command to the main app."""
    app.command()(retention)


def _forgettable_runs(settings: Settings, plan: Plan) -> dict[str, str]:
    old = {decision.publication_id for decision in plan.decisions if Part.MLFLOW in decision.removes}
    if not old:
        # MLflow takes seconds to import, and in most weeks nothing is that old.
        return {}
    runs: dict[str, str] = import_module("ml.tracking").deletable_runs(settings, old, plan.needed_runs)
    return runs


def _tuning_runs(settings: Settings, tunings: list[OldTuning]) -> list[str]:
    names = [each.name for each in tunings if each.deletes_mlflow_runs]
    if not names:
        return []
    runs: list[str] = import_module("ml.tracking").tuning_runs(settings, names)
    return runs


def _show(removals: list[Removal], runs: dict[str, str]) -> None:
    table = Table(
        "publication", "status", "deletes", "rows", "MB", title="Attempts, oldest first", title_justify="left"
    )
    for removal in removals:
        decision = removal.decision
        deletes = [str(part) for part in Part if part in decision.removes and _is_left(part, removal, runs)]
        if deletes or not decision.removes & {Part.ROWS, Part.STAGED_ROWS}:
            figures = f"{removal.rows:,}", f"{removal.file_bytes / 1e6:,.1f}"
            table.add_row(decision.publication_id, decision.standing, ", ".join(deletes) or "nothing", *figures)
    Console(width=120, highlight=False).print(table)


def _is_left(part: Part, removal: Removal, runs: dict[str, str]) -> bool:
    if part in (Part.ROWS, Part.STAGED_ROWS):
        return removal.rows > 0
    if part == Part.MLFLOW:
        return removal.decision.publication_id in runs
    return bool(removal.folders)
