"""Unloads the snapshot the run may see into its run folder."""

from warehouse import progress, unload
from warehouse.adapters.engines import open_warehouse
from warehouse.run_folder import RunFolder
from warehouse.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Write `snapshot/`."""
    with progress.stage(folder, "unload") as done:
        rows = unload.unload(open_warehouse(settings), folder)
        done.rows = sum(rows.values())
        done.say(", ".join(f"{count:,} {name}" for name, count in rows.items()))
