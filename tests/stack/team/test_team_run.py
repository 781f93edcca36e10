"""One run of ml-100k by the whole team stack, and the same run by one process: the same rows, no secret leaked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from mlflow import MlflowClient

from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import variable
from nightjar.stack.postgres import program
from nightjar.stack.team.secrets_file import POSTGRES_ADMIN
from tests.support.stack_client import RUN_SECONDS, NightlyDag
from tests.support.team_client import TeamStack

pytestmark = pytest.mark.stack

DAY = date(1998, 4, 22)
PUBLICATION = f"{DAY}.1"
# Settings of addresses and processes, without influence on the result.
ELSEWHERE = ("home", "stack_kind", "spark_workers", "spark_worker_cores", "spark_worker_memory")


@dataclass(frozen=True)
class CompletedTeamRun:
    """The run by the scheduler, and the new stack's warehouse before its first import."""

    before: list[tuple[Any, ...]]
    dag: NightlyDag
    run: dict[str, Any]
    tasks: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def team_run(team: TeamStack, shared_data: Path) -> Iterator[CompletedTeamRun]:
    before = team.rows("select current_user, count(*) from raw.interactions")
    imported = team.on_warehouse("import", "movielens", str(shared_data / "ml-100k"))
    assert imported.returncode == 0, imported.stdout
    dag = NightlyDag(team)
    dag.set_active(True)
    dag.start(DAY, "the_run")
    run = dag.wait_for_run(DAY, RUN_SECONDS)
    yield CompletedTeamRun(before, dag, run, dag.tasks(DAY))
    dag.set_active(False)


def test_the_warehouse_was_ready_for_its_first_import(team_run: CompletedTeamRun) -> None:
    assert team_run.before == [("nightjar_pipeline", 0)]


def test_the_run_is_published_and_every_rater_has_ten_films(team: TeamStack, team_run: CompletedTeamRun) -> None:
    failed = {name: task["state"] for name, task in team_run.tasks.items() if task["state"] != "success"}
    assert team_run.run["state"] == "success", failed
    assert team.rows("select publication_id, action from recs.publications") == [(PUBLICATION, "published")]
    lists = team.rows("select count(*), count(distinct item_id) from recs.recommendations_current group by user_id")
    assert lists == [(10, 10)] * 943


def test_the_jobs_ran_on_the_cluster_s_workers(team: TeamStack, team_run: CompletedTeamRun) -> None:
    finished = {app["name"]: app["state"] for app in team.spark()["completedapps"]}
    assert finished == {"nightjar build_features": "FINISHED", "nightjar score_users": "FINISHED"}


def test_the_content_is_that_of_the_same_run_in_one_process(
    team: TeamStack, team_run: CompletedTeamRun, shared_data: Path, tmp_path: Path
) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTJAR_", "AIRFLOW"))}
    same = {
        variable(name): str(value)
        for name, value in team.settings
        if name in team.settings.model_fields_set and name not in ELSEWHERE and not name.endswith("_port")
    }
    for arguments in (("import", "movielens", str(shared_data / "ml-100k")), ("run", "--date", DAY.isoformat())):
        done = subprocess.run(
            [str(Path(sys.executable).parent / "nightjar"), *arguments],
            env={**inherited, **same, "NIGHTJAR_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:]
    query = "select publication_id, content_hash, recommendation_rows from recs.publications"
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
        alone = connection.execute(query).fetchall()
    assert team.rows(query) == alone


def test_mlflow_has_the_run_and_the_champion(team: TeamStack, team_run: CompletedTeamRun) -> None:
    settings = team.settings
    client = MlflowClient(team.mlflow_url, team.mlflow_url)
    [(model_uri,)] = team.rows("select model_uri from recs.publications")
    champion = client.get_model_version_by_alias(settings.mlflow_name, "champion")
    assert model_uri == f"models:/{settings.mlflow_name}/{champion.version}"
    run = client.get_run(champion.run_id)
    assert run.data.params["epochs"] == "5"
    assert run.data.tags["nightjar.publication_id"] == PUBLICATION


def test_no_secret_is_in_the_files_of_the_run(team: TeamStack, team_run: CompletedTeamRun) -> None:
    logs = list((team.settings.home / "airflow" / "logs").rglob("*.log"))
    assert len(logs) >= len(team_run.tasks) - 1
    # Spark's environment page and the executors' output.
    events = [path.read_text() for path in (team.settings.home / "events").rglob("events_*")]
    assert len(events) == 2
    assert all("SparkListenerEnvironmentUpdate" in text and "Spark Properties" in text for text in events)
    assert list((team.settings.home / "spark" / "work").rglob("stderr"))
    assert team.leaks() == []


def test_no_secret_is_in_what_airflow_and_mlflow_show(team: TeamStack, team_run: CompletedTeamRun) -> None:
    client = MlflowClient(team.mlflow_url, team.mlflow_url)
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    shown = [str(run.to_dictionary()) for run in runs]
    assert any(PUBLICATION in text for text in shown)
    rendered = json.dumps([task["rendered_fields"] for task in team_run.tasks.values()])
    assert "nightjar" in rendered
    path = "dags/nightly_recommendations/dagRuns/the_run/taskInstances/~/xcomEntries?limit=200"
    xcoms = json.dumps(team_run.dag.call("GET", path))
    for text in (*shown, rendered, xcoms, json.dumps(team_run.run)):
        assert not [name for name, value in team.secrets.items() if value in text]


def test_no_secret_is_in_a_database(team: TeamStack, team_run: CompletedTeamRun) -> None:
    # Everything that Airflow, MLflow and the warehouse keep, page or no page: rendered fields, XComs, params, logs.
    for database in ("airflow", "mlflow", "nightjar"):
        dumped = subprocess.run(
            [program("pg_dump"), "-h", "127.0.0.1", "-p", str(team.settings.postgres_port), "-U", "postgres", database],
            env={"PGPASSWORD": team.secrets[POSTGRES_ADMIN]},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert PUBLICATION in dumped
        assert not [name for name, value in team.secrets.items() if value in dumped], database


def test_no_secret_is_in_the_repository(team: TeamStack, team_run: CompletedTeamRun) -> None:
    left_out = {".venv", ".git", "var", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    files = [
        path
        for top in REPOSITORY.iterdir()
        if top.name not in left_out
        for path in ([top] if top.is_file() else top.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len(files) > 200
    for path in files:
        text = path.read_bytes().decode(errors="replace")
        assert not [name for name, value in team.secrets.items() if value in text], path
