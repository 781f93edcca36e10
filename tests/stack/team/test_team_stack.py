"""The guarantees of the team stack: every program of docker-compose.yml runs, is reachable and has its secrets only."""

import re
from pathlib import Path

import psutil
import pytest
from mlflow import MlflowClient

from nightjar.contract.places import REPOSITORY
from nightjar.stack.processes import stack_processes
from nightjar.stack.team.secrets_file import AIRFLOW_ADMIN, AIRFLOW_DATABASE, SECRETS
from tests.support.refusals import refused_command
from tests.support.stack_client import NightlyDag, wait_for
from tests.support.team_client import TeamStack

pytestmark = pytest.mark.stack


def test_every_program_of_the_file_runs_or_has_finished(team: TeamStack) -> None:
    output = {line.split()[0]: line.split()[1] for line in team.nightjar("stack", "status").stdout.splitlines()}
    for program in team.programs:
        assert output[program.name] == ("EXITED" if program.ends_by_itself else "RUNNING"), program.name


def test_all_parts_of_airflow_are_healthy_and_all_dags_without_an_error(team: TeamStack) -> None:
    _, health = team.request("GET", "/api/v2/monitor/health")
    assert {part: state["status"] for part, state in health.items()} == dict.fromkeys(
        ("metadatabase", "scheduler", "triggerer", "dag_processor"), "healthy"
    )
    dag = NightlyDag(team)
    expected = {path.stem for path in (REPOSITORY / "dags").glob("*.py")} - {"__init__"}

    def result() -> dict[str, bool] | None:
        dags = {dag["dag_id"]: dag["is_paused"] for dag in dag.call("GET", "dags")["dags"]}
        return dags if set(dags) == expected else None

    # The processor is healthy before it has read every file.
    assert set(wait_for(result, "all DAGs", 240).values()) == {True}
    assert dag.call("GET", "importErrors")["total_entries"] == 0
    assert {"warehouse_writer", "compute"} <= {pool["name"] for pool in dag.call("GET", "pools")["pools"]}


def test_only_the_right_password_logs_the_administrator_in(team: TeamStack) -> None:
    for password in ("wrong", "admin"):
        assert team.request("POST", "/auth/token", {"username": "admin", "password": password})[0] == 401
    assert team.request("GET", "/api/v2/dags")[0] == 401
    status, users = team.request("GET", "/auth/fab/v1/users", token=team.login())
    assert status == 200
    # The first user is the only one, and no role is given to who does not log in.
    assert [(user["username"], [role["name"] for role in user["roles"]]) for user in users["users"]] == [
        ("admin", ["Admin"])
    ]


def test_the_spark_master_has_two_workers(team: TeamStack) -> None:
    output = team.spark()
    assert (output["status"], output["aliveworkers"], output["cores"]) == ("ALIVE", 2, 2)


def test_mlflow_stores_runs_in_its_database_and_serves_artifacts(team: TeamStack, tmp_path: Path) -> None:
    client = MlflowClient(team.mlflow_url, team.mlflow_url)
    run = client.create_run(client.create_experiment("of the test")).info
    assert run.artifact_uri.startswith("mlflow-artifacts:/")
    (tmp_path / "a.txt").write_text("through the server")
    client.log_artifact(run.run_id, str(tmp_path / "a.txt"))
    client.log_param(run.run_id, "epochs", 5)
    assert client.get_run(run.run_id).data.params == {"epochs": "5"}
    (kept,) = (team.settings.home / "mlartifacts").rglob("a.txt")
    assert kept.read_text() == "through the server"
    assert not (team.settings.home / "mlflow.db").exists()


def test_every_listener_is_on_loopback(team: TeamStack) -> None:
    listening = [
        (process.pid, connection.laddr.ip)
        for process in team.marked()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 7
    # Java names IPv4 addresses as IPv6 ones.
    assert {ip.removeprefix("::ffff:") for _, ip in listening} == {"127.0.0.1"}


def test_no_secret_is_in_a_command_line_a_configuration_or_a_log(team: TeamStack) -> None:
    assert len(list(team.texts())) > 30
    assert team.leaks() == []


def test_a_process_has_the_secrets_of_its_program_and_no_other(team: TeamStack) -> None:
    names = {value: name for name, value in team.secrets.items()}
    granted = {each.name: set(each.secrets.values()) for each in team.programs}

    def held(process: psutil.Process) -> set[str]:
        return {names[value] for value in process.environ().values() if value in names}

    def held_by_child(process: psutil.Process) -> set[str]:
        try:
            return held(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return set()  # It ended since it was listed, as the tasks of Airflow and the backends of PostgreSQL do.

    looked_at = set()
    for line in team.nightjar("stack", "status").stdout.splitlines():
        result = re.match(r"(\S+) +RUNNING +(\d+)", line)
        if result:
            process = psutil.Process(int(result[2]))
            assert held(process) == granted[result[1]], result[1]
            # PostgreSQL's children write their titles over their environment.
            children = process.children(recursive=True)
            assert all(held_by_child(child) <= granted[result[1]] for child in children), result[1]
            looked_at.add(result[1])
    assert looked_at == {each.name for each in team.programs if not each.ends_by_itself}


def test_a_killed_worker_is_restarted(team: TeamStack) -> None:
    words = ("worker.Worker", f"--webui-port {team.settings.spark_ui_port + 2}")
    before = team.process_of(*words)
    assert before is not None
    before.kill()
    before.wait(30)
    after = wait_for(lambda: team.process_of(*words), "another worker", 60)
    assert after.pid != before.pid
    wait_for(lambda: team.spark().get("aliveworkers") == 2 or None, "two workers that are alive", 120)
    assert team.nightjar("stack", "up").returncode == 0


def test_another_kind_of_stack_is_refused_while_this_one_runs(team: TeamStack) -> None:
    refused = team.nightjar("stack", "up", NIGHTJAR_STACK_KIND="local")
    refused_command(refused, 2, "another_stack_runs", str(team.settings.home))


def test_stop_leaves_no_process_and_the_next_start_uses_new_passwords_and_keeps_its_state(team: TeamStack) -> None:
    token = team.login()
    assert team.request("POST", "/api/v2/variables", {"key": "kept", "value": "as it was"}, token)[0] == 201
    processes = team.marked()
    assert team.nightjar("stack", "down").returncode == 0
    assert [each.pid for each in processes if each.is_running()] == []
    assert stack_processes(str(team.settings.home)) == []

    old = team.secrets
    changed = {AIRFLOW_ADMIN: "another-password-of-admin", AIRFLOW_DATABASE: "another-password-of-airflow"}
    lines = [f"{name}={changed.get(name, old[name])}" for name in SECRETS]
    team.paths.team_secrets.write_text("\n".join(lines) + "\n")
    started = team.nightjar("stack", "up", "--deadline-seconds", "480")
    assert started.returncode == 0, started.stdout
    assert not any(value in started.stdout for value in {*old.values(), *changed.values()})
    assert team.request("POST", "/auth/token", {"username": "admin", "password": old[AIRFLOW_ADMIN]})[0] == 401
    assert team.request("GET", "/api/v2/variables/kept", token=team.login())[1]["value"] == "as it was"
    assert team.leaks() == []
