"""# Rollback of a publication

Points readers to an earlier publication, at once and without training: the views `recs.*_current` and MLflow's alias
`champion` follow, and what waits for the asset `recs_current` is started. The ledger `recs.publications` gets an entry
with this run's id and the reason. A rollback can be rolled back the same way.

`publication` is one that was published and is still whole: `nightjar status` lists the latest. One whose rows or index
files are gone is refused, and nothing changes. The next night moves the pointer forward again; pause
`nightly_recommendations` where it must not.
"""

from datetime import datetime

from airflow.sdk import DAG, Param

from dags.support.command import NightjarCommand
from dags.support.task_defaults import DEFAULT_ARGS, RECS_CURRENT, WAREHOUSE_POOL

with DAG(
    dag_id="rollback_publication",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(1970, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["nightjar", "recommendations"],
    params={
        "publication": Param(
            type="string",
            pattern=r"^\d{4}-\d{2}-\d{2}\.\d+$",
            description="The publication that readers shall see, e.g. 2026-03-31.1.",
        ),
        "reason": Param(type="string", minLength=3, description="Why; the ledger keeps it."),
    },
) as dag:
    NightjarCommand(
        task_id="roll_back",
        command=[
            "nightjar",
            "rollback",
            "--to={{ params.publication }}",
            "--reason={{ params.reason }}",
            "--actor={{ run_id }}",
        ],
        pool=WAREHOUSE_POOL,
        outlets=[RECS_CURRENT],
    )
