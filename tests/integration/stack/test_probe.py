import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

SAID = b'{"scheduler": {"status": "healthy"}, "triggerer": {"status": "unhealthy"}, "dag_processor": {"status": null}}'


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()
            self.wfile.write(SAID)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def probe(*arguments: str) -> int:
    # -S: without what is installed; a check every few seconds has to be cheap.
    return subprocess.run([sys.executable, "-S", "-m", "nightjar.stack.probe", *arguments], check=False).returncode


def test_a_server_that_responds_is_healthy(address: str) -> None:
    assert probe(f"{address}/health") == 0


def test_a_server_that_fails_or_does_not_respond_is_unhealthy(address: str) -> None:
    assert probe(f"{address}/other") == 1
    assert probe("http://127.0.0.1:1/health") == 1


def test_a_part_of_airflow_is_as_healthy_as_airflow_reports(address: str) -> None:
    assert probe(f"{address}/health", "scheduler") == 0
    for part in ("triggerer", "dag_processor", "unknown"):
        assert probe(f"{address}/health", part) == 1
