"""Where things of the project lie: folders of this repository, and a page of Airflow's API server."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DBT_PROJECT = REPOSITORY / "dbt_project"

# The page about every table.
TABLES_PATH = "/nightjar/tables/"
