import subprocess
import sys
from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.duckdb.busy_file import FileBusy
from tests.support.refusals import refused


def test_reading_a_missing_warehouse_is_refused(tmp_path: Path) -> None:
    with (
        refused(BadInput, "no_warehouse", path=tmp_path / "no.duckdb"),
        DuckDBWarehouse(tmp_path / "no.duckdb").connect(read_only=True),
    ):
        pass


def test_a_writer_waits_for_another_process(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.create_tables()
    lock_holder = (
        "import duckdb, sys\n"
        f"connection = duckdb.connect({str(warehouse.path)!r})\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", lock_holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "open\n"
        with (
            pytest.raises(FileBusy),
            DuckDBWarehouse(warehouse.path, busy_deadline_seconds=0).connect(),
        ):
            pass
        process.stdin.write("go\n")
        process.stdin.flush()
        with warehouse.connect() as connection:
            assert connection.execute("select 1").fetchall() == [(1,)]
