"""Seconds of dbt and of the unload before Spark starts, beside one bare scan-and-write of the events."""

import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.performance.timing import seconds_each
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.unload import unload
from nightjar.warehouse.dbt_runner import run_dbt, run_variables
from nightjar.warehouse.engines import open_warehouse

# In a run the tests are a stage of their own.
_BUILD = ("build", "--select", "tag:inputs", "--exclude-resource-type", "test", "unit_test", "--full-refresh")
_EVENTS = "select event_id, user_id, item_id, event_type, value, occurred_at, ingested_at from raw.interactions"


def inputs_seconds(settings: Settings, run_folder: Path, repeats: int) -> dict[str, float]:
    """Return seconds of a first dbt build of the tag `inputs`, of a dbt that builds nothing, of unload, and bare."""
    record = RunFolder(run_folder).record()
    given = run_variables(
        settings,
        interval_start=record.interval.start.isoformat(),
        interval_end=record.interval.end.isoformat(),
        publication_id=record.publication_id,
    )
    with TemporaryDirectory(dir=settings.home) as aside:
        target = RunFolder(Path(aside))
        shutil.copy(RunFolder(run_folder).path / "run.json", target.path)

        def bare() -> None:
            with duckdb.connect(settings.home / "warehouse.duckdb", read_only=True) as connection:
                connection.execute(f"copy ({_EVENTS}) to '{aside}/bare.parquet' (compression zstd)")

        works = {
            "bare": bare,
            "dbt": lambda: run_dbt(settings, *_BUILD, variables=given),
            "dbt that builds nothing": lambda: run_dbt(settings, "parse", variables=given),
            "unload": lambda: unload(open_warehouse(settings), target, settings),
        }
        with redirect_stdout(StringIO()):
            return seconds_each(works, repeats)
