from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from nightjar.contract.atomic_files import write_text, written_aside
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from tests.support.refusals import refused

RECORD = RunRecord("2026-03-31.2", 2, of_date("2026-03-31"), None, "auto", "manual__x", "0.1.0")


def test_a_run_is_found_by_its_publication_id(tmp_path: Path) -> None:
    folder = RunFolder.of(tmp_path, "2026-03-31.2")
    assert folder.path == tmp_path / "runs" / "data_date=2026-03-31" / "publication_id=2026-03-31.2"
    folder.write_record(RECORD)
    assert folder.record() == RECORD
    assert folder.record().data_date == date(2026, 3, 31)


def test_the_arrival_cut_off_survives_the_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    before = datetime(2026, 4, 1, 5, 30, tzinfo=UTC)
    folder.write_record(RunRecord("2026-03-31.1", 1, of_date("2026-03-31"), before, "never", "r", "0"))
    assert folder.record().ingested_before == before


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with refused(BadInput, "not_a_run_folder", path=tmp_path / "nothing"):
        RunFolder(tmp_path / "nothing").record()


@pytest.mark.parametrize("publication_id", ["../../etc.1", "2026-03-31.1/../../x.1", "2026-03-31", "", "x.1"])
def test_a_publication_id_never_leads_out_of_the_lake(tmp_path: Path, publication_id: str) -> None:
    with refused(BadInput, "not_a_publication_id", value=publication_id):
        RunFolder.of(tmp_path, publication_id)


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "features"
    with written_aside(target) as aside:
        (aside / "part").write_text("old")
    with pytest.raises(RuntimeError), written_aside(target) as aside:
        (aside / "part").write_text("new")
        raise RuntimeError
    assert (target / "part").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["features"]


def test_a_file_is_replaced_at_once(tmp_path: Path) -> None:
    write_text(tmp_path / "run.json", "first")
    write_text(tmp_path / "run.json", "second")
    assert (tmp_path / "run.json").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
