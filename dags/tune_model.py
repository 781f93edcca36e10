"""# Search for a tuned configuration

Trains and evaluates configurations on the data of a published date; the gate decides on the best one. Nothing is
published, and no table changes.

| task | what it does | where to look when it fails |
|---|---|---|
| `begin_tuning` | numbers the search; unloads the snapshot that a run of the date would use | the task's last line |
| `tune_model` | searches inside the training part; evaluates the winner on the holdout | the MLflow run of the search |

No trial sees the holdout of the date's run. The winner and the configuration in force are then both trained without
the holdout and evaluated on it. Runs of later dates train with a winner that passes, unless `NIGHTJAR_RECIPE` names
another configuration. A refused winner changes nothing and fails no task: the task's last line and `nightjar recipes`
show the reason.

The MLflow run of the search has a nested run for each trial and a plot of recall against coverage. While the search
runs, the training of nightly runs waits for the one slot of the pool `compute`.
"""

from datetime import datetime

from airflow.sdk import DAG, Param

from dags.support.command_tasks import NightjarCommand
from dags.support.task_defaults import COMPUTE_POOL, DEFAULT_ARGS, WAREHOUSE_POOL, intervals
from nightjar.contract.settings import load_settings

with DAG(
    dag_id="tune_model",
    doc_md=__doc__,
    schedule=intervals(load_settings().tuning_schedule),
    start_date=datetime(1970, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["nightjar", "tuning"],
    params={
        "date": Param(
            None,
            type=["null", "string"],
            format="date",
            pattern=r"^\d{4}-\d{2}-\d{2}$",
            description="Newest data date to use. Empty: the newest published one.",
        ),
        "minutes": Param(
            load_settings().tuning_minutes,
            type="integer",
            minimum=1,
            description="Duration of the search. The first features and the gate take additional time.",
        ),
    },
) as dag:
    NightjarCommand(
        task_id="begin_tuning",
        command=["nightjar", "stage", "begin-tuning", "--date={{ params.date or '' }}"],
        pool=WAREHOUSE_POOL,
    ) >> NightjarCommand(
        task_id="tune_model",
        command=[
            "nightjar",
            "stage",
            "tune-model",
            "--tuning={{ ti.xcom_pull(task_ids='begin_tuning') }}",
            "--minutes={{ params.minutes }}",
        ],
        pool=COMPUTE_POOL,
    )
