"""Unloads the snapshot the run may see into its run folder."""

from nightjar.contract import progress
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing import excluded_users, unload
from nightjar.warehouse.engines import open_warehouse


def run(settings: Settings, folder: RunFolder) -> None:
    """Write `snapshot/`, and the users that it leaves out into `recs.excluded_users`."""
    with progress.stage(folder, "unload") as done:
        warehouse = open_warehouse(settings)
        rows = unload.unload(warehouse, folder, settings)
        with warehouse.transaction() as connection:
            left_out = excluded_users.record(connection, folder.record(), folder)
        done.rows = sum(rows.values())
        done.say(", ".join(f"{count:,} {name}" for name, count in rows.items()))
        if left_out:
            done.say(excluded_users.line(left_out, settings.max_events_per_day))
