"""What is logged while a DuckDB file is waited for."""

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from nightjar.contract.errors import NightjarError
from nightjar.contract.progress import MARK
from nightjar.contract.settings import Settings
from nightjar.warehouse import dbt_runner
from nightjar.warehouse.dbt_log import EndedNode
from nightjar.warehouse.duckdb import busy_file
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.duckdb.busy_file import FileBusy, lock_holder
from tests.support.golden import check_wording
from tests.support.refusals import refused

_HOLD = (
    "import duckdb, sys; held = duckdb.connect(sys.argv[1], read_only=True); "
    "print('open', flush=True); sys.stdin.read()"
)
ME = pwd.getpwuid(os.getuid()).pw_name


@contextmanager
def reader(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that reads the file until its input is closed."""
    command = [sys.executable, "-c", _HOLD, str(path), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.stdin.close()


def waiting(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that say who is waited for."""
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith(MARK)]


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    made = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    made.create_tables()
    return made


def test_a_writer_names_the_reader_it_waits_for_and_continues_after_it(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(busy_file, "_FIRST_LOG_SECONDS", 0.0)
    with reader(warehouse.path) as process:

        def leave(_: float) -> None:
            process.communicate()

        # Not of the module time itself: other threads of the tests go by it.
        monkeypatch.setattr(busy_file, "time", SimpleNamespace(monotonic=time.monotonic, sleep=leave))
        warehouse.wait_until_writable()
    logged = waiting(capfd)
    assert len(logged) == 1
    assert all(part in logged[0] for part in (f" {process.pid} ", "-c import duckdb", f" {ME}", "2 minutes"))


def test_the_wait_is_logged_every_minute(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = [0.0]
    pretended = SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda _: clock.append(clock.pop() + 20.0))
    monkeypatch.setattr(busy_file, "time", pretended)
    with (
        reader(warehouse.path) as process,
        refused(FileBusy, "file_busy", wording=False, path=warehouse.path, pid=process.pid) as failure,
    ):
        DuckDBWarehouse(warehouse.path, 200.0).wait_until_writable()
    assert str(process.pid) in str(failure.value)
    # After 20, 80, 140 and 200 seconds.
    assert len(waiting(capfd)) == 4


def test_an_address_in_a_command_line_is_logged_without_its_password(warehouse: DuckDBWarehouse) -> None:
    with reader(warehouse.path, "postgres://ann:canary@host/db") as process:  # pragma: allowlist secret
        logged = lock_holder(f"Conflicting lock is held in /usr/bin/python3 (PID {process.pid})")
    assert str(process.pid) in logged
    assert "canary" not in logged


def test_a_holder_that_has_ended_is_named_as_duckdb_names_it() -> None:
    logged = lock_holder("Conflicting lock is held in /usr/bin/python3 (PID 99999999)")
    assert "99999999 (/usr/bin/python3)" in logged
    check_wording(logged)


def test_a_file_that_is_no_database_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("no database" * 1000)
    with refused(NightjarError, "unreadable_warehouse", wording=False, path=path) as failure:
        DuckDBWarehouse(path).wait_until_writable()
    assert not isinstance(failure.value, FileBusy)


def test_dbt_is_started_again_where_a_reader_came_in_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path)
    DuckDBWarehouse(settings.warehouse_path).create_tables()
    with reader(settings.warehouse_path), pytest.raises(duckdb.IOException) as refusal:
        duckdb.connect(str(settings.warehouse_path))
    runs = [(2, [f"Runtime Error: {refusal.value}"]), (0, ["done"])]
    monkeypatch.setattr(dbt_runner, "_run", lambda *_: runs.pop(0))
    heard: list[EndedNode] = []
    assert dbt_runner.run_dbt(settings, "build", on_node_ended=heard.append) == []
    assert runs == []


def test_dbt_waits_for_a_reader_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=tmp_path, warehouse_busy_minutes=0)
    DuckDBWarehouse(settings.warehouse_path).create_tables()
    monkeypatch.setattr(dbt_runner, "_run", lambda *_: pytest.fail("dbt was started"))
    with (
        reader(settings.warehouse_path) as process,
        refused(FileBusy, "file_busy", wording=False, path=settings.warehouse_path, pid=process.pid),
    ):
        dbt_runner.run_dbt(settings, "test")
