"""Unit tests start no process: no JVM, no server, no command."""

import subprocess
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("unit") is None:
        return

    start = subprocess.Popen.__init__

    def refuse(self: Any, *arguments: Any, **options: Any) -> None:
        # The version of the code, which each attempt records.
        if list(arguments[0])[:1] != ["git"]:
            raise AssertionError(f"a unit test starts a process: {arguments}")
        start(self, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
