"""Unloads the snapshot the run may see into its run folder."""

from warehouse import excluded_users, progress, unload
from warehouse.adapters.engines import open_warehouse
from warehouse.run_folder import RunFolder
from warehouse.settings import Settings


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
