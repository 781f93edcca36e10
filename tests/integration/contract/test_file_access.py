"""What a process is told that may not read or write something. Run as root, it gives up the right to ignore modes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.refusals import refused_command

NIGHTJAR = str(Path(sys.executable).parent / "nightjar")
EVENTS = "user_id,item_id,occurred_at\nu1,i1,2026-03-30T10:00:00Z\n"
OTHER = 1000


def nightjar(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as somebody whom the modes of files bind."""
    rights = "-dac_override,-dac_read_search"
    bound = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"] if os.geteuid() == 0 else []
    environment = {**os.environ, "NIGHTJAR_HOME": str(home)}
    return subprocess.run([*bound, NIGHTJAR, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """A file of events in a folder of somebody else's."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "events.csv").write_text(EVENTS)
    if os.geteuid() == 0:
        for path in (folder, folder / "events.csv"):
            os.chown(path, OTHER, OTHER)
    return folder / "events.csv"


def refused(done: subprocess.CompletedProcess[str], path: Path, advice: str) -> None:
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    refused_command(done, 2, "not_accessible", str(path), str(os.geteuid()), advice)


def test_a_file_that_cannot_be_read_is_named_before_a_home_is_made(tmp_path: Path, events: Path) -> None:
    events.chmod(0o200)
    refused(nightjar(tmp_path / "home", "import", "files", "--interactions", str(events)), events, "o+r")
    assert not (tmp_path / "home").exists()


def test_a_folder_that_cannot_be_entered_is_named_whatever_lies_in_it(tmp_path: Path, events: Path) -> None:
    events.parent.chmod(0o200)
    refused(nightjar(tmp_path / "home", "import", "files", "--interactions", str(events)), events.parent, "o+rx")
    refused(nightjar(tmp_path / "home", "import", "movielens", str(events.parent)), events.parent, "o+rx")
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_written_is_named_with_who_owns_it(tmp_path: Path, events: Path) -> None:
    events.parent.chmod(0o555)
    home = events.parent / "home"
    refused(nightjar(home, "import", "files", "--interactions", str(events)), events.parent, "chown")


def test_a_warehouse_that_cannot_be_opened_is_named_by_every_command(tmp_path: Path, events: Path) -> None:
    home = tmp_path / "home"
    assert nightjar(home, "import", "files", "--interactions", str(events)).returncode == 0
    warehouse = home / "warehouse.duckdb"
    if os.geteuid() == 0:
        os.chown(warehouse, OTHER, OTHER)
    warehouse.chmod(0o000)
    refused(nightjar(home, "status"), warehouse, "o+r")
    refused(nightjar(home, "import", "files", "--interactions", str(events)), warehouse, "o+w")
