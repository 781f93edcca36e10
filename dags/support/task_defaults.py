"""What the tasks of every DAG share: pools, retries and the templates that name the run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, AssetAlias, Context, TriggerRule
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.timetable import DataDateTimetable
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings
from nightjar.contract.tuned_configuration import read_recipe

# The embedded warehouse allows one writing process at a time.
WAREHOUSE_POOL = "warehouse_writer"
# A Spark job or a training uses all cores of one machine.
COMPUTE_POOL = "compute"

# The XCom that holds a run's outcome in one line.
OUTCOME = "nightjar_outcome"

PUBLICATION_ID = "{{ ti.xcom_pull(task_ids='begin') }}"
RUN_FOLDER = "{{ run_folder(ti.xcom_pull(task_ids='begin')) }}"
# Not the interval of Airflow's run: a single run may set another data date.
RUN_AS_OF = "{{ run_as_of(ti.xcom_pull(task_ids='begin')) }}"

# The signals to downstream DAGs: a date was published; the current publication changed.
RECS_HISTORY = Asset("recs_history")
RECS_CURRENT = Asset("recs_current")
CURRENT_MOVED = AssetAlias("recs_current_moved")

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "nightjar",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    # A stage group runs after one that the run leaves out, because `begin` is upstream of each; after a skipped `begin`
    # nothing runs.
    "trigger_rule": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
}


def only_in_stage_group(group: str) -> Callable[[Context], None]:
    """Return the hook that skips a task when the run leaves out its stage group."""

    def skip_unless_requested(context: Context) -> None:
        if group not in context["params"]["stages"]:
            raise AirflowSkipException(f"the run leaves out the stage group {group}")

    return skip_unless_requested


def intervals(cron: str) -> DataDateTimetable | None:
    """Return the schedule of a cron expression in UTC, or none where the DAG is only started by hand."""
    return DataDateTimetable(cron, timezone="UTC") if cron else None


def run_folder(publication_id: str) -> str:
    """Return the folder of a publication, for templates."""
    return str(RunFolder.of(load_settings().lake, publication_id).path)


def run_as_of(publication_id: str) -> str:
    """Return the end of a publication's data interval, for templates."""
    return RunFolder.of(load_settings().lake, publication_id).record().interval.as_of.isoformat()


def setting_of_run(name: str) -> str:
    """Return the template of a setting's value in the run, whose configuration may differ from the settings."""
    return f"{{{{ run_setting(ti.xcom_pull(task_ids='begin'), '{name}') }}}}"


def run_setting(publication_id: str, name: str) -> str:
    """Return the value of a setting in a publication's run, for templates."""
    settings = load_settings()
    configuration = read_recipe(RunFolder.of(settings.lake, publication_id).recipe)
    return str(getattr(configuration.over(settings), name))
