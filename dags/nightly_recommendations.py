"""# Nightly recommendations

Retrains the recommender on all events before the end of the data interval and publishes the recommendations.

| tasks | what they do | where to look when they fail |
|---|---|---|
| `begin` | numbers the attempt; refuses an interval without events; on schedule, skips it | the task's last line |
| `inputs` | dbt builds facts and dimensions and tests them | its gate, the task's last line |
| `features` | unloads the snapshot; Spark builds the matrices | `snapshot/`, `features/` of the run |
| `model` | evaluates, gates, fits on everything | MLflow; its gates |
| `serving` | builds the indices, scores every user | its gates |
| `publication` | stages, audits, moves the pointer in one transaction | its gate; `recs.publications` |
| `marts` | dbt builds the analysts' tables | the task's last line |
| `report` | writes the run report and logs it to MLflow | the task's last line |

**The data date of a run** is the date on which its data interval starts. The logical date decides it, however the run
starts: a run of logical date 28 March produces 28 March, by the schedule, by hand and by a backfill. A single run may
set `data_date` instead; left empty, the form produces the last complete date. The run's note shows the data date as
soon as the run starts.

Each gate decision is a row of `recs.gate_decisions`. A gate that refuses fails its task at once; the current
publication stays. A date older than the current publication becomes history and does not change
`recommendations_current`, unless `publish` is `force`.
"""

from datetime import datetime

from airflow.sdk import DAG, Param, TaskGroup

from dags.support.alerts import deadline, on_failure
from dags.support.command_tasks import NightjarCommand, TrackedCommand, publish, stage
from dags.support.spark_tasks import spark_job
from dags.support.task_defaults import (
    COMPUTE_POOL,
    DEFAULT_ARGS,
    RUN_AS_OF,
    WAREHOUSE_POOL,
    intervals,
    run_as_of,
    run_folder,
    run_setting,
)
from nightjar.contract.gates import gates_page
from nightjar.contract.settings import load_settings
from nightjar.contract.spark_submission import FEATURE_SETTINGS, SCORE_SETTINGS
from nightjar.contract.stages import STAGE_GROUPS

with DAG(
    dag_id="nightly_recommendations",
    doc_md=f"{__doc__}\n{gates_page()}",
    schedule=intervals(load_settings().schedule),
    # Airflow runs no task before this date, and any date with events may be backfilled.
    start_date=datetime(1970, 1, 1),
    catchup=False,
    # As many as the Backfill dialog may start at once; the pools serialise them where needed.
    max_active_runs=4,
    default_args=DEFAULT_ARGS,
    tags=["nightjar", "recommendations"],
    # A run is cleared after its cause is mended: with new settings, or a new version of the project.
    rerun_with_latest_version=True,
    user_defined_macros={"run_as_of": run_as_of, "run_folder": run_folder, "run_setting": run_setting},
    deadline=deadline(load_settings()),
    on_failure_callback=on_failure(load_settings()),
    params={
        "data_date": Param(
            None,
            type=["null", "string"],
            format="date",
            pattern=r"^\d{4}-\d{2}-\d{2}$",
            description="Data date of a single run. Empty: that of the logical date; where it has not ended, the "
            "last complete one, so yesterday for a logical date of now. Leave it empty in a backfill.",
        ),
        "publish": Param(
            "auto",
            type="string",
            enum=["auto", "never", "force"],
            description="Whether the publication becomes current. auto: unless a newer date is current; never: history "
            "only; force: always.",
        ),
        "stages": Param(
            list(STAGE_GROUPS),
            type="array",
            minItems=1,
            uniqueItems=True,
            items={"type": "string", "enum": list(STAGE_GROUPS)},
            examples=list(STAGE_GROUPS),
            description="Stage groups to run. Groups left out at the front come from the date's last publication.",
        ),
        "ingested_before": Param(
            None,
            type=["null", "string"],
            format="date-time",
            # The format alone offers a date picker; Airflow does not check it.
            pattern=r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}",
            description="Use only rows ingested before this time, as the scheduled run would have.",
        ),
        "note": Param("", type=["null", "string"], maxLength=500, description="Free text, stored with the attempt."),
    },
) as dag:
    begin = NightjarCommand(
        task_id="begin",
        command=[
            "nightjar",
            "stage",
            "begin",
            # A run that the API starts without a logical date has no interval.
            "--interval-start={{ data_interval_start.isoformat() if data_interval_start is defined else '' }}",
            "--interval-end={{ data_interval_end.isoformat() if data_interval_end is defined else '' }}",
            "--data-date={{ params.data_date or '' }}",
            "--run-type={{ dag_run.run_type.value }}",
            "--publish={{ params.publish }}",
            "--stages={{ params.stages | join(',') }}",
            "--ingested-before={{ params.ingested_before or '' }}",
            "--note={{ params.note or '' }}",
            "--run-id={{ run_id }}",
        ],
        pool=WAREHOUSE_POOL,
    )

    with TaskGroup("inputs", prefix_group_id=False) as inputs:
        stage("dbt_inputs", pool=WAREHOUSE_POOL) >> stage("audit_inputs", pool=WAREHOUSE_POOL)

    with TaskGroup("features", prefix_group_id=False) as features:
        stage("unload", pool=WAREHOUSE_POOL) >> spark_job(
            "build_features", *FEATURE_SETTINGS, arguments=["--as-of", RUN_AS_OF]
        )

    with TaskGroup("model", prefix_group_id=False) as model:
        (
            stage("evaluate_model", pool=COMPUTE_POOL, kind=TrackedCommand)
            >> stage("gate_model", pool=WAREHOUSE_POOL)
            >> stage("fit_model", pool=COMPUTE_POOL, kind=TrackedCommand)
        )

    with TaskGroup("serving", prefix_group_id=False) as serving:
        stage("build_indices", pool=WAREHOUSE_POOL) >> spark_job("score_users", *SCORE_SETTINGS)

    with TaskGroup("publication", prefix_group_id=False) as publication:
        (
            stage("load_staging", pool=WAREHOUSE_POOL)
            >> stage("audit_outputs", pool=WAREHOUSE_POOL)
            >> publish(pool=WAREHOUSE_POOL)
        )

    begin >> [inputs, features, model, serving, publication]
    inputs >> features >> model >> serving >> publication
    [begin, publication] >> stage("marts", pool=WAREHOUSE_POOL)
    [begin, publication] >> stage("report", pool=WAREHOUSE_POOL, kind=TrackedCommand)
