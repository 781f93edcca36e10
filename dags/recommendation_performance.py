"""# Performance of the recommendations

Brings the online metrics up to date, once a day: what was shown, what was clicked and bought, and how each variant of
an experiment does beside the control: `marts.variant_outcomes`, `marts.recommendation_ctr_daily` and those beside them.

Clicks often arrive hours after the night; they count for the date on which the item was shown, within the hours of
`NIGHTJAR_ATTRIBUTION_WINDOW_HOURS`. Facts of the last `NIGHTJAR_LOOKBACK_DAYS` days, and of every earlier date for
which something arrived, are built again, then the marts. Every night does the same after it has published.

It never delays training: it takes no slot of the pool `compute`, writes nothing that a night reads, and in the
queue for the warehouse every task of a night goes before it.
"""

from datetime import datetime

from airflow.sdk import DAG

from dags.support.command import NightjarCommand
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
        # Below the 1 that Airflow gives a task with nothing behind it.
        priority_weight=0,
        weight_rule="absolute",
    )
