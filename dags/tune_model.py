"""# Search for better settings

Tries settings of features and model on the data of a published date and lets the best of them face the gate. Nothing
is published, and no table changes.

| task | what it does | where to look when it fails |
|---|---|---|
| `begin_tuning` | names the search; unloads what a night of the date would see | the task's last line |
| `tune_model` | searches inside the training part; judges the winner on the holdout | the MLflow run of the search |

A trial never sees what the night of the date held out. The winner and the recipe in force are then both trained
without the holdout and judged on it; a winner that passes is what nights of later dates train with, unless
`NIGHTJAR_RECIPE` says otherwise. A winner that is refused changes nothing and fails no task: the task's last line and
`nightjar recipes` say why.

The MLflow run of the search has a nested run for each trial and a plot of recall against coverage. While the search
runs, nights wait for the one slot that training has.
"""

from datetime import datetime

from airflow.sdk import DAG, Param

from dags.support.command import NightjarCommand
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
            description="The newest data date to see; empty: the newest that was published.",
        ),
        "minutes": Param(
            load_settings().tuning_minutes,
            type="integer",
            minimum=1,
            description="How long to search. Building the first features and the gate come on top.",
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
