"""Publishes the audited rows of a run, then names its model champion when readers see it."""

import json

from ml import tracking
from warehouse import progress, publications
from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.content_hash import content_hash
from warehouse.run_folder import RunFolder
from warehouse.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Publish the run in one transaction."""
    record = folder.record()
    model = json.loads((folder.path / "mlflow_run.json").read_text(encoding="utf-8"))
    with progress.stage(folder, "publish") as done:
        entry = publications.publish(
            DuckDBWarehouse(settings.warehouse_path),
            record,
            model_uri=model["model_uri"],
            mlflow_run_id=model["run_id"],
            content_hash=content_hash(folder),
        )
        if entry.moved:
            tracking.set_champion(settings, model["model_version"])
        done.rows = 1
        done.unit = "publications"
        done.say(
            f"{entry.publication_id} is current"
            if entry.moved
            else f"{entry.publication_id} is history; current stays {entry.previous_publication_id}"
        )
