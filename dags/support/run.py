"""What every task of a night shares: pools, retries and the templates that name the run."""

from datetime import timedelta
from typing import Any

from warehouse.run_folder import RunFolder
from warehouse.settings import load_settings

# The embedded warehouse takes one writing process at a time.
WAREHOUSE_POOL = "warehouse_writer"
# A Spark job or a training takes all cores of one machine.
COMPUTE_POOL = "compute"

PUBLICATION_ID = "{{ ti.xcom_pull(task_ids='begin') }}"
RUN_FOLDER = "{{ run_folder(ti.xcom_pull(task_ids='begin')) }}"

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "nightjar",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}


def run_folder(publication_id: str) -> str:
    """Return the folder of a publication, for templates."""
    return str(RunFolder.of(load_settings().lake, publication_id).path)
