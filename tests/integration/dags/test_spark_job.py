"""How a Spark task submits its job and reports a failure."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from nightjar.contract.environment import child_environment
from nightjar.contract.settings import Settings

HERE = Path(__file__).parent
SECRETS = (
    "NIGHTJAR_POSTGRES_PASSWORD",
    "NIGHTJAR_POSTGRES_ADMIN_PASSWORD",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW_CONN_OTHER",
    "DBT_ENV_SECRET_POSTGRES_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_BACKEND_STORE_URI",
    "AWS_SECRET_ACCESS_KEY",
)


def run_task(settings: Settings, program: Path, **conf: str) -> tuple[dict[str, Any], str]:
    """Run the task with a canary in every variable that holds a secret; return its result and all its output."""
    done = subprocess.run(
        [sys.executable, str(HERE / "run_spark_job.py"), str(program), json.dumps(conf)],
        env={**child_environment(settings), **dict.fromkeys(SECRETS, "canary"), "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ended: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return ended, done.stdout + done.stderr


def test_no_secret_reaches_spark_its_environment_page_or_its_event_log(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.mkdir()
    log = {"enabled": "true", "compress": "false", "dir": events.as_uri()}
    conf = {"spark.ui.enabled": "true", **{f"spark.eventLog.{name}": value for name, value in log.items()}}
    ended, output = run_task(Settings(home=tmp_path), HERE / "print_environment.py", **conf)
    assert ended == {"failure": None, "notes": {}}
    [line] = [line for line in output.splitlines() if "environments {" in line]
    assert "canary" not in output
    assert '"OPENBLAS_NUM_THREADS": "1"' in line
    assert '["spark.app.name", "nightjar build_features"]' in line
    logged = [path.read_bytes() for path in events.rglob("*") if path.is_file()]
    assert any(b"SparkListenerEnvironmentUpdate" in content for content in logged)
    assert not any(b"canary" in content for content in logged)


def test_an_unreachable_master_is_one_line_and_may_be_retried(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = Settings(home=tmp_path, spark_master=f"spark://127.0.0.1:{port}")
    ended, _ = run_task(settings, HERE / "print_environment.py")
    kind, exit_code, _, reason = ended["failure"]
    assert (kind, exit_code) == ("CommandFailed", 1)
    assert reason.startswith(f"NIGHTJAR_SPARK_MASTER=spark://127.0.0.1:{port}: ")
    assert ended["notes"] == {"nightjar_outcome": f"build_features: {reason}"}


def test_the_error_line_of_a_job_becomes_the_runs_note(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("print('[nightjar] error (2, no_title): items: no title'); raise SystemExit(2)")
    ended, _ = run_task(Settings(home=tmp_path), program)
    assert ended == {
        "failure": ["CommandRefused", 2, "no_title", "items: no title"],
        "notes": {"nightjar_outcome": "build_features: items: no title"},
    }
