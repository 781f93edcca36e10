"""Loads the run's outputs and its snapshot into `recs_staging`, which only the audit reads."""

from nightjar.contract import progress
from nightjar.contract.failpoints import failpoint
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tables import STAGED
from nightjar.publishing.attempts import check_not_superseded
from nightjar.publishing.output_contract import check_output
from nightjar.publishing.staged_snapshot import write_staged_snapshot
from nightjar.warehouse.engines import open_warehouse


def run(settings: Settings, folder: RunFolder) -> None:
    """Replace the run's rows in every staging table.

    Raises:
        NightjarError: a newer attempt at the date has begun, or an output does not fit its table.
    """
    run_record = folder.record()
    warehouse = open_warehouse(settings)
    with progress.stage(folder, "load_staging") as done:
        with warehouse.connect(read_only=True) as connection:
            check_not_superseded(connection, run_record)
        for table in STAGED:
            check_output(folder, table)
        failpoint("load:before_rows")
        folders = {table: folder.output(table.name) for table in STAGED}
        loaded = warehouse.load(folders, run_record.publication_id, run_record.data_date)
        snapshots = write_staged_snapshot(folder)
        if not snapshots:
            done.say("the run's snapshot is gone: it is audited against facts and dimensions as they are now")
        loaded += warehouse.load(snapshots, run_record.publication_id, run_record.data_date)
        for table, rows in zip((*folders, *snapshots), loaded, strict=True):
            done.rows += rows
            done.say(f"{rows:,} {table.name}")
