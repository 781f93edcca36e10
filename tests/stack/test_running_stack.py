"""The guarantees of a running stack, and of a restarted one."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from ml.tracking import StageLog, log_stage, register_model, set_champion
from nightjar.contract.interval import DataInterval
from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.stack.processes import stack_processes
from tests.support.refusals import refused_command
from tests.support.stack_client import RunningStack

pytestmark = pytest.mark.stack

PROGRAMS = {
    "postgres",
    "mlflow",
    "airflow-api-server",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-scheduler",
}


def test_every_program_runs_and_all_parts_of_airflow_are_healthy(stack: RunningStack) -> None:
    output = stack.nightjar("stack", "status").stdout
    assert {line.split()[0] for line in output.splitlines() if "RUNNING" in line} == PROGRAMS
    _, health = stack.request("GET", "/api/v2/monitor/health")
    assert {part: state["status"] for part, state in health.items()} == dict.fromkeys(
        ("metadatabase", "scheduler", "triggerer", "dag_processor"), "healthy"
    )


def test_a_second_start_changes_nothing_and_prints_the_addresses(stack: RunningStack) -> None:
    before = stack.paths.process_id.read_text()
    again = stack.nightjar("stack", "up")
    assert again.returncode == 0
    assert f"http://127.0.0.1:{stack.settings.airflow_port}" in again.stdout
    assert f"http://127.0.0.1:{stack.settings.mlflow_port}" in again.stdout
    assert str(stack.paths.password) in again.stdout
    assert stack.password not in again.stdout
    assert stack.paths.process_id.read_text() == before


def test_a_wrong_password_is_refused(stack: RunningStack) -> None:
    status, _ = stack.request("POST", "/auth/token", {"username": "admin", "password": "wrong"})
    assert status == 401
    assert stack.request("GET", "/api/v2/dags")[0] == 401


def test_every_dag_is_listed_without_an_error_and_paused(stack: RunningStack) -> None:
    token = stack.login()
    _, events = stack.request("GET", "/api/v2/dags", token=token)
    expected = {path.stem for path in (REPOSITORY / "dags").glob("*.py")} - {"__init__"}
    assert {dag["dag_id"]: dag["is_paused"] for dag in events["dags"]} == dict.fromkeys(expected, True)
    assert stack.request("GET", "/api/v2/importErrors", token=token)[1]["total_entries"] == 0


def test_the_pools_of_the_writers_are_in_the_stack_s_own_database(stack: RunningStack) -> None:
    _, answer = stack.request("GET", "/api/v2/pools", token=stack.login())
    slots = {pool["name"]: pool["slots"] for pool in answer["pools"]}
    assert slots["warehouse_writer"] == slots["compute"] == 1
    assert not (stack.settings.airflow_home / "airflow.db").exists()


def test_no_secret_is_in_a_log_a_configuration_or_a_command_line(stack: RunningStack) -> None:
    secrets = [stack.password, *json.loads(stack.paths.secrets.read_text()).values()]
    assert len(secrets) == 5
    assert all(len(secret) > 15 for secret in secrets)
    files = [*(stack.settings.home / "logs").rglob("*"), *(stack.settings.airflow_home / "logs").rglob("*")]
    texts = {str(path): path.read_text(errors="replace") for path in [*files, stack.paths.config] if path.is_file()}
    texts |= {f"process {each.pid}": " ".join(each.cmdline()) for each in stack.processes()}
    assert len(texts) > 15
    for where, text in texts.items():
        assert not any(secret in text for secret in secrets), where


def test_every_listener_is_on_loopback(stack: RunningStack) -> None:
    listeners = {
        (connection.laddr.ip, connection.laddr.port)
        for process in stack.processes()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    ports = (stack.settings.airflow_port, stack.settings.mlflow_port)
    assert listeners == {("127.0.0.1", port) for port in ports}


def test_only_the_owner_reads_secrets_and_reaches_the_control_socket(stack: RunningStack) -> None:
    paths = stack.paths
    for path in (paths.secrets, paths.password, paths.config, paths.supervisor_socket):
        assert path.stat().st_mode & 0o777 == 0o600, path
    for path in (paths.folder, paths.database):
        assert path.stat().st_mode & 0o777 == 0o700, path
    assert (paths.database_socket_folder / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("variable", ["NIGHTJAR_AIRFLOW_PORT", "NIGHTJAR_MLFLOW_PORT"])
def test_a_port_in_use_is_one_line_before_anything_starts(
    stack: RunningStack, open_folder: Path, variable: str
) -> None:
    setting = variable.removeprefix("NIGHTJAR_").lower()
    other = "mlflow_port" if setting == "airflow_port" else "airflow_port"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free_port = free.getsockname()[1]
    second = stack.elsewhere(open_folder / "second", **{other: free_port})
    refused = second.nightjar("stack", "up")
    assert len(refused.stdout.splitlines()) == 1
    refused_command(refused, 2, "port_in_use", str(getattr(stack.settings, setting)), variable)
    assert not second.paths.config.exists()
    assert not second.paths.database.exists()


def test_a_stage_logs_through_the_server_and_its_files_stay_in_the_home(stack: RunningStack, tmp_path: Path) -> None:
    settings = stack.settings.model_copy(update={"mlflow_url": f"http://127.0.0.1:{stack.settings.mlflow_port}"})
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    folder = RunFolder(tmp_path / "run")
    folder.write_record(RunRecord("2026-03-01.1", 1, DataInterval(start, end), None, "auto", "run", "code"))
    model = tmp_path / "model"
    model.mkdir()
    (model / "manifest.json").write_text("{}")
    log = StageLog(params={"epochs": 3}, metrics={"loss": [0.5, 0.25]}, artifacts={"model": model})
    tracked = register_model(settings, folder, log_stage(settings, folder, log), "model")
    assert tracked.model_version is not None
    set_champion(settings, tracked.model_version)
    # What the server kept is what a client without a server reads from the home's file.
    client = MlflowClient(stack.settings.mlflow_database, stack.settings.mlflow_database)
    assert client.get_run(tracked.run_id).data.metrics == {"loss": 0.25}
    assert client.get_model_version_by_alias("nightjar", "champion").run_id == tracked.run_id
    kept = stack.settings.mlflow_artifacts.rglob("model/*")
    assert [path.name for path in kept if tracked.run_id in path.parts] == ["manifest.json"]


def test_a_failing_program_is_named_with_its_log_and_no_process_remains(
    stack: RunningStack, open_folder: Path, ports: Callable[[int], list[int]]
) -> None:
    airflow_port, mlflow_port = ports(2)
    broken = stack.elsewhere(open_folder / "broken", airflow_port=airflow_port, mlflow_port=mlflow_port)
    broken.settings.home.mkdir()
    (broken.settings.home / "mlflow.db").write_text("this is no database\n" * 100)
    failed = broken.nightjar("stack", "up")
    refused_command(failed, 1, "program_ended", "mlflow", str(broken.paths.logs / "mlflow.log"))
    # The last lines of the program's log are printed too; these words are SQLite's.
    assert "file is not a database" in failed.stdout
    assert stack_processes(str(broken.settings.home)) == []


def test_a_killed_program_is_restarted(stack: RunningStack) -> None:
    before = next(each for each in stack.processes() if "triggerer" in " ".join(each.cmdline()))
    before.kill()
    before.wait(30)
    assert stack.nightjar("stack", "up").returncode == 0
    after = next(each for each in stack.processes() if "triggerer" in " ".join(each.cmdline()))
    assert after != before
    assert after.is_running()


def test_stop_ends_only_the_stack_and_the_next_start_keeps_its_state(stack: RunningStack) -> None:
    token = stack.login()
    path = "/api/v2/dags/nightly_recommendations/dagRuns"
    day = {"data_interval_start": "2026-03-01T00:00:00Z", "data_interval_end": "2026-03-02T00:00:00Z"}
    run = {"dag_run_id": "kept", "logical_date": "2026-03-01T00:00:00Z", **day}
    assert stack.request("POST", path, run, token)[0] == 200
    assert stack.request("POST", "/api/v2/variables", {"key": "kept", "value": "as it was"}, token)[0] == 201
    restore_rows_of_an_earlier_version(stack)
    assert stack.request("POST", f"{path}/kept/clear", {"dry_run": False}, token)[0] == 500
    processes = stack.processes()
    assert len(processes) > len(PROGRAMS)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        stopped = stack.nightjar("stack", "down")
        assert stopped.returncode == 0, stopped.stdout
        assert [each.pid for each in processes if each.is_running()] == []
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    assert stack.nightjar("stack", "status").returncode == 1
    assert stack.nightjar("stack", "down").returncode == 0

    started = stack.nightjar("stack", "up")
    assert started.returncode == 0, started.stdout
    token = stack.login()
    _, kept = stack.request("GET", f"{path}/kept", token=token)
    assert (kept["data_interval_start"], kept["state"]) == (day["data_interval_start"], "queued")
    assert stack.request("GET", "/api/v2/variables/kept", token=token)[1]["value"] == "as it was"
    # Rows of an earlier version are repaired.
    assert stack.request("POST", f"{path}/kept/clear", {"dry_run": False}, token)[0] == 200
    assert stack.in_airflow("select count(*) from backfill where completed_at is null") == [(0,)]


def restore_rows_of_an_earlier_version(stack: RunningStack) -> None:
    """Give the run `kept` the deadline of an earlier version, and leave a backfill as a failure to clear runs does."""
    stack.in_airflow(
        'update deadline_alert set reference = \'{"reference_type": "DagRunQueuedAtDeadline"}\' where id in ('
        "select deadline_alert_id from deadline join dag_run on dag_run.id = dagrun_id where run_id = 'kept')"
    )
    stack.in_airflow(
        "insert into backfill (dag_id, from_date, to_date, dag_run_conf, reprocess_behavior, max_active_runs, "
        "created_at, updated_at) select 'nightly_recommendations', at, at, '{}', 'failed', 1, at, at "
        "from (select now() - interval '3 minutes' as at)"
    )
