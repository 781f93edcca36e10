"""A disk that fills up during a run: one clear line, and the same result once there is space."""

import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from nightjar.contract.disk_space import disk_full_error, is_disk_full
from nightjar.contract.errors import NightjarError
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.importers.import_files import import_files
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.run_request import RunRequest
from nightjar.stages import load_staging
from nightjar.warehouse import readers_snapshot
from nightjar.warehouse.engines import open_warehouse
from tests.support.small_runs import insert_events, publish_run, rows_of, write_outputs

pytestmark = pytest.mark.reliability

NOW = datetime(2026, 4, 1, tzinfo=UTC)
DISK_MB = 40
KB = 1024
CURRENT = (
    "select p.publication_id, p.content_hash from recs.current_publication join recs.publications p using (ledger_id)"
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory, which the tests may fill."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "nightjar-test", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(disk: Path, free_kb: int) -> Path:
    """Write a file that leaves `free_kb` of space."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    os.close(os.open(ballast, os.O_CREAT | os.O_WRONLY))
    with ballast.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_bsize - free_kb * KB))
    return ballast


def test_a_run_on_a_full_disk_fails_in_one_line_and_repeated_equals_the_undisturbed_one(
    settings: Settings, tmp_path: Path, disk: Path
) -> None:
    undisturbed = settings
    insert_events(undisturbed)
    publish_run(undisturbed, 10)
    publish_run(undisturbed, 11)
    [(_, expected)] = rows_of(undisturbed, CURRENT)
    full = Settings(home=disk / "home")
    insert_events(full)
    publish_run(full, 10)
    before = rows_of(full, CURRENT)
    failed_in, free_kb = set(), 0
    # A little more space each time: begin, model, index, outputs, gate decisions and publication fail in turn.
    while free_kb < 4_000:
        ballast = fill_up(disk, free_kb)
        try:
            publish_run(full, 11)
            break
        except Exception as error:
            assert is_disk_full(error), repr(error)
            failed_in |= functions_of(error)
        finally:
            ballast.unlink()
        assert rows_of(full, CURRENT) == before
        assert list(disk.rglob("*.aside")) == []
        free_kb += 6
    assert {"begin_attempt", "write_outputs", "record_decisions", "publish"} <= failed_in
    [(publication_id, digest)] = rows_of(full, CURRENT)
    assert publication_id.startswith("2026-03-11.")
    assert digest == expected


def test_rows_without_disk_space_are_staged_once_there_is_some(disk: Path) -> None:
    full = Settings(home=disk / "home")
    insert_events(full)
    run = begin_attempt(full, open_warehouse(full), RunRequest(of_date("2026-03-11"), "run"))
    folder = RunFolder.of(full.lake, run.publication_id)
    # One top-K list a user.
    write_outputs(full, folder, 20_000)
    ballast = fill_up(disk, 0)
    with pytest.raises(Exception, match="No space left") as failure:
        load_staging.run(full, folder)
    assert is_disk_full(failure.value)
    assert "load" in functions_of(failure.value)
    ballast.unlink()
    load_staging.run(full, folder)
    assert rows_of(full, "select count(*) from recs_staging.recommendations") == [(20_000,)]


def test_a_snapshot_without_disk_space_leaves_the_old_one_and_the_publication(disk: Path) -> None:
    full = Settings(home=disk / "home")
    insert_events(full)
    publish_run(full, 10)
    readers_snapshot.refresh(open_warehouse(full), "2026-03-10.1 was published")
    publish_run(full, 11)
    ballast = fill_up(disk, 300)
    with pytest.raises(NightjarError) as failure:
        readers_snapshot.refresh(open_warehouse(full), "2026-03-11.1 was published")
    assert is_disk_full(failure.value), repr(failure.value)
    assert [publication_id for publication_id, _ in rows_of(full, CURRENT)] == ["2026-03-11.1"]
    assert reader_rows(full) == [("2026-03-10.1", 10)]
    ballast.unlink()
    readers_snapshot.refresh(open_warehouse(full), "2026-03-11.1 was published")
    assert reader_rows(full) == [("2026-03-11.1", 11)]


def reader_rows(settings: Settings) -> list[tuple]:
    joined = "recs.recommendations join recs.current_publication using (publication_id)"
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        return connection.execute(f"select publication_id, count(*) from {joined} group by 1").fetchall()


def functions_of(error: BaseException) -> set[str]:
    names, trace = set(), error.__traceback__
    while trace is not None:
        names.add(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return names


def test_an_import_without_disk_space_does_not_blame_the_file(disk: Path, tmp_path: Path) -> None:
    full = Settings(home=disk / "home")
    insert_events(full)
    lines = [f"u{n},i{n % 97},2026-03-01T00:00:00Z\n" for n in range(50_000)]
    path = tmp_path / "events.csv"
    path.write_text("user_id,item_id,occurred_at\n" + "".join(lines))
    ballast = fill_up(disk, 0)
    with pytest.raises(Exception, match="No space left") as failure:
        import_files(open_warehouse(full), {"interactions": path}, NOW)
    assert is_disk_full(failure.value)
    ballast.unlink()
    assert import_files(open_warehouse(full), {"interactions": path}, NOW)[0].added == 50_000


def test_a_full_disk_is_detected_by_the_cause_of_an_error_and_reported_with_the_space_left(tmp_path: Path) -> None:
    assert not is_disk_full(PermissionError(13, "Permission denied"))
    error = ValueError("does not fit")
    error.__cause__ = OSError(28, "No space left on device")
    assert is_disk_full(error)
    folder = tmp_path / "gone" / "home"
    told = disk_full_error(folder)
    assert (told.code, told.fields) == ("disk_full", {"path": folder})
    assert re.search(rf"{folder} has [\d,.]+ MB", str(told))
