"""What a server of MLflow answers about the experiment, and what is made of it before a run begins."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ml.tracking_store import check_experiment
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from tests.support.refusals import refused


class Answers(BaseHTTPRequestHandler):
    """Answers each request alike and records it."""

    status: ClassVar[int] = 200
    body: ClassVar[Any] = {}
    requests: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.requests.append((self.path, self.headers.get("Authorization")))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(json.dumps(self.body).encode())

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Settings]:
    Answers.requests.clear()
    with HTTPServer(("127.0.0.1", 0), Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield Settings(home=tmp_path, mlflow_url=f"http://127.0.0.1:{listening.server_port}", mlflow_name="shop")
        listening.shutdown()


def answer(monkeypatch: pytest.MonkeyPatch, status: int, body: Any) -> None:
    monkeypatch.setattr(Answers, "status", status)
    monkeypatch.setattr(Answers, "body", body)


def test_a_deleted_experiment_of_a_server_is_refused_with_its_id(
    server: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "canary")  # pragma: allowlist secret
    answer(monkeypatch, 200, {"experiment": {"experiment_id": "7", "lifecycle_stage": "deleted"}})
    with refused(BadInput, "deleted_experiment", wording=False, value="shop", experiment_id="7") as error:
        check_experiment(server)
    assert "mlflow experiments restore -x 7" in str(error.value)
    assert "canary" not in str(error.value)
    # ann:canary
    assert Answers.requests == [
        ("/api/2.0/mlflow/experiments/get-by-name?experiment_name=shop", "Basic YW5uOmNhbmFyeQ==")
    ]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"experiment": {"experiment_id": "7", "lifecycle_stage": "active"}}),
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}),
        (401, {}),
        (503, {}),
        (200, {"something": "else"}),
    ],
)
def test_other_errors_than_a_deleted_experiment_are_left_to_the_stages(
    server: Settings, monkeypatch: pytest.MonkeyPatch, status: int, body: Any
) -> None:
    answer(monkeypatch, status, body)
    check_experiment(server)


def test_an_unreachable_server_refuses_no_run_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check_experiment(Settings(home=tmp_path, mlflow_url=f"http://127.0.0.1:{port}"))
    assert f"NIGHTJAR_MLFLOW_URL=http://127.0.0.1:{port}" in capsys.readouterr().out


def test_a_file_that_mlflow_has_not_filled_yet_refuses_no_run(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    check_experiment(settings)
    (tmp_path / "mlflow.db").touch()
    check_experiment(settings)
