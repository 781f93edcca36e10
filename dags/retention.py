"""# Retention

Deletes the data of old attempts: rows of the output tables, run folders, MLflow runs with their models. The
settings `NIGHTJAR_RETENTION_*` say how long each is kept, counted in data dates back from the current publication.

The data of the current publication and of the rollback targets always stays. So do the ledger, the attempts, the gate
decisions and the metrics of every run. An attempt that may still be running stays too.

A scheduled run deletes. A run started by hand only lists what would be deleted, unless `dry_run` is switched off. The
task's log holds the table: every attempt, why it stays or what is deleted, rows and megabytes.
"""

from datetime import datetime

from airflow.sdk import DAG, Param

from dags.support.command_tasks import NightjarCommand
from dags.support.task_defaults import DEFAULT_ARGS, WAREHOUSE_POOL, intervals
from nightjar.contract.settings import load_settings

with DAG(
    dag_id="retention",
    doc_md=__doc__,
    schedule=intervals(load_settings().retention_schedule),
    start_date=datetime(1970, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["nightjar", "maintenance"],
    params={
        "dry_run": Param(
            True, type="boolean", description="Only list what would be deleted. Scheduled runs always delete."
        ),
    },
) as dag:
    NightjarCommand(
        task_id="delete_old_attempts",
        command=[
            "nightjar",
            "retention",
            "{{ '--dry-run' if params.dry_run and dag_run.run_type != 'scheduled' else '--apply' }}",
        ],
        pool=WAREHOUSE_POOL,
    )
