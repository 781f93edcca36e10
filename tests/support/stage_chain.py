"""Runs every stage of a run one after the other without Airflow, by the product's own commands, in the DAG's order."""

import os
import subprocess
import sys
from collections.abc import Sequence

from ml.stages import build_indices, evaluate_model, fit_model, gate_model
from nightjar.contract.environment import spark_environment
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.spark_submission import FEATURE_SETTINGS, SCORE_SETTINGS, application, flag
from nightjar.contract.stages import STAGE_GROUPS
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.run_request import RunRequest
from nightjar.stages import audit, load_staging, publish, report, unload
from nightjar.warehouse.dbt_runner import run_dbt, run_variables, write_manifest
from nightjar.warehouse.engines import open_warehouse

_SPARK = (
    "--master local[2] --conf spark.sql.shuffle.partitions=2 --conf spark.ui.enabled=false "
    "--conf spark.ui.showConsoleProgress=false --conf spark.driver.bindAddress=127.0.0.1 "
    "--conf spark.driver.host=127.0.0.1 --conf spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 pyspark-shell"
)


def run_stages(settings: Settings, date: str, groups: tuple[str, ...] = STAGE_GROUPS) -> RunFolder:
    """Run the next attempt at a date from begin to its report, all stages or the last groups; return its run folder."""
    warehouse = open_warehouse(settings)
    write_manifest(settings)
    record = begin_attempt(settings, warehouse, RunRequest(of_date(date), "test", stages=groups))
    folder = RunFolder.of(settings.lake, record.publication_id)
    given = run_variables(
        settings,
        interval_start=record.interval.start.isoformat(),
        interval_end=record.interval.end.isoformat(),
        publication_id=record.publication_id,
    )
    if groups == STAGE_GROUPS:
        _build(settings, "tag:inputs", given)
        audit.audit_inputs(settings, folder)
        unload.run(settings, folder)
        _submit(settings, folder, "build_features", FEATURE_SETTINGS, ["--as-of", record.interval.as_of.isoformat()])
        for each in (evaluate_model, gate_model, fit_model):
            each.run(settings, folder)
    build_indices.run(settings, folder)
    _submit(settings, folder, "score_users", SCORE_SETTINGS)
    load_staging.run(settings, folder)
    audit.audit_outputs(settings, folder)
    publish.run(settings, folder)
    _build(settings, "tag:marts", given)
    report.run(settings, folder)
    return folder


def _build(settings: Settings, selection: str, given: dict[str, str]) -> None:
    results = run_dbt(settings, "build", "--select", selection, "--exclude", "resource_type:unit_test", variables=given)
    assert [(each.name, each.message) for each in results if each.status in ("error", "fail")] == []


def _submit(
    settings: Settings, folder: RunFolder, job: str, names: Sequence[str], arguments: Sequence[str] = ()
) -> None:
    values = [part for name in names for part in (flag(name), str(getattr(settings, name)))]
    command = [sys.executable, application(job), "--run-folder", str(folder.path), *arguments, *values]
    interpreters = dict.fromkeys(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"), sys.executable)
    environment = {**spark_environment(), **interpreters, "PYSPARK_SUBMIT_ARGS": _SPARK, "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
