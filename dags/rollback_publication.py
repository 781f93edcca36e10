"""# Rollback of a publication

Points readers to an earlier publication, at once and without training: the views `recs.*_current` and MLflow's alias
`champion` follow, and the DAGs that consume the asset `recs_current` start. The ledger `recs.publications` gets an
entry with this run's id and the reason. A rollback can be rolled back the same way.

`publication` must have been published and still be complete: `nightjar status` lists the latest. One without its rows
or index files is refused, and nothing changes. The next nightly run moves the pointer forward again; pause
`nightly_recommendations` to prevent that.
"""

from datetime import datetime

from airflow.sdk import DAG, Param

from dags.support.command_tasks import NightjarCommand
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
            description="Publication to make current, e.g. 2026-03-31.1.",
        ),
        "reason": Param(type="string", minLength=3, description="Reason, stored in the ledger."),
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
