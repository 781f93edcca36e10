"""# Performance of the recommendations

Updates the online metrics once a day: exposures, clicks and conversions, and each variant of an experiment beside the
control: `marts.variant_outcomes`, `marts.recommendation_ctr_daily` and the other marts of exposures.

Clicks often arrive hours after the nightly run. They count on the date of the exposure, within
`NIGHTJAR_ATTRIBUTION_WINDOW_HOURS`. dbt rebuilds the facts of the last `NIGHTJAR_LOOKBACK_DAYS` days and of every
earlier date with late rows, then the marts. Every nightly run does the same after it has published.

It never delays training: it needs no slot of the pool `compute`, writes nothing that a nightly run reads, and every
task of a nightly run has priority over it in the pool `warehouse_writer`.
"""

from datetime import datetime

from airflow.sdk import DAG

from dags.support.command_tasks import NightjarCommand
from dags.support.task_defaults import DEFAULT_ARGS, WAREHOUSE_POOL, intervals
from nightjar.contract.settings import load_settings

with DAG(
    dag_id="recommendation_performance",
    doc_md=__doc__,
    schedule=intervals(load_settings().performance_schedule),
    start_date=datetime(1970, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["nightjar", "recommendations"],
) as dag:
    NightjarCommand(
        task_id="update_performance",
        command=[
            "nightjar",
            "performance",
            "--date={{ data_interval_start | ds if data_interval_start is defined else '' }}",
        ],
        pool=WAREHOUSE_POOL,
        # Below 1, Airflow's weight of a task without downstream tasks.
        priority_weight=0,
        weight_rule="absolute",
    )
