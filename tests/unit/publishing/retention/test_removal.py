"""What the plan says goes, nothing else does, and an interrupted clean-up is finished by the next one."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tables import CONTROL, STAGED
from nightjar.publishing.retention import removal
from nightjar.publishing.retention.plan import Plan
from nightjar.publishing.retention.removal import REMOVED_TABLES, default_as_of, remove_files, remove_rows, survey
from nightjar.publishing.rollback import roll_back
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Lay = Callable[..., RunFolder]
AS_OF = date(2026, 6, 30)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"retention_rollback_publications": 1})


@pytest.fixture
def folders(lay: Lay) -> dict[str, RunFolder]:
    """An expired, a kept, a target and the current publication, and a failed attempt of an old date."""
    folders = {each: lay(each) for each in ("2026-01-01.1", "2026-06-01.1", "2026-06-29.1", "2026-06-30.1")}
    # A month later the others have ended.
    folders["2026-06-02.1"] = lay("2026-06-02.1", None)
    lay("2026-07-15.1", None, started_at=datetime(2026, 7, 15, tzinfo=UTC))
    return folders


def clean_up(warehouse: Warehouse, settings: Settings) -> Plan:
    found = remove_rows(warehouse, settings, AS_OF)
    remove_files(settings, found)
    return found


def publications_in(warehouse: Warehouse, full_name: str) -> set[str]:
    with warehouse.connect(read_only=True) as connection:
        return {row[0] for row in connection.execute(f"select publication_id from {full_name}").fetchall()}


def names(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir()) if folder.path.exists() else []


def test_the_clean_up_takes_what_is_old_and_leaves_what_is_needed(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder]
) -> None:
    clean_up(warehouse, settings)
    for table in REMOVED_TABLES:
        assert publications_in(warehouse, table.full_name) == {"2026-06-01.1", "2026-06-29.1", "2026-06-30.1"}
    for table in STAGED:
        assert publications_in(warehouse, table.full_name) == {"2026-07-15.1"}
    everything = ["features", "indices", "model", "outputs", "snapshot"]
    assert {publication: names(folder) for publication, folder in folders.items()} == {
        "2026-01-01.1": [],
        "2026-06-01.1": ["indices", "model"],
        "2026-06-02.1": [],
        "2026-06-29.1": everything,
        "2026-06-30.1": everything,
    }
    assert not folders["2026-01-01.1"].path.parent.exists()


def test_ledger_attempts_verdicts_and_metrics_stay_for_ever(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder]
) -> None:
    kept = ["recs.model_metrics", *(each.full_name for each in CONTROL)]
    before = {each: publications_in(warehouse, each) for each in kept}
    clean_up(warehouse, settings)
    assert {each: publications_in(warehouse, each) for each in kept} == before
    assert "2026-01-01.1" in before["recs.model_metrics"]


def test_the_survey_counts_what_goes_and_changes_nothing(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder]
) -> None:
    # Six tables lose a row of the expired one (model_metrics and model_sources do not); eight staged rows of the failed
    # attempt.
    # Files: 10 bytes in snapshot, features, outputs, model and index, and the index's manifest.
    manifest = (folders["2026-01-01.1"].index("retrieval") / "manifest.json").stat().st_size
    _, removals = survey(warehouse, settings, AS_OF)
    assert {each.decision.publication_id: (each.rows, each.file_bytes) for each in removals if each.folders} == {
        "2026-01-01.1": (6, 50 + manifest),
        "2026-06-01.1": (0, 30),
        "2026-06-02.1": (8, 50 + manifest),
    }
    assert publications_in(warehouse, "recs.recommendations") == set(folders) - {"2026-06-02.1"}
    assert all(names(folder) for folder in folders.values())


def test_a_file_that_a_later_attempt_took_over_frees_nothing_and_stays_there(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder]
) -> None:
    inherited = folders["2026-06-30.1"].model / "part" / "file"
    inherited.unlink()
    inherited.hardlink_to(folders["2026-06-02.1"].model / "part" / "file")
    manifest = (inherited.parents[2] / "indices" / "retrieval" / "manifest.json").stat().st_size
    _, removals = survey(warehouse, settings, AS_OF)
    assert [each.file_bytes for each in removals if each.decision.publication_id == "2026-06-02.1"] == [40 + manifest]
    clean_up(warehouse, settings)
    assert inherited.read_bytes() == b"0123456789"


def test_a_second_clean_up_finds_nothing_left(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder]
) -> None:
    clean_up(warehouse, settings)
    clean_up(warehouse, settings)
    _, removals = survey(warehouse, settings, AS_OF)
    assert [(each.rows, each.folders) for each in removals] == [(0, ())] * 6


def test_a_clean_up_that_died_between_two_folders_is_finished_by_the_next(
    settings: Settings,
    warehouse: Warehouse,
    folders: dict[str, RunFolder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delete = shutil.rmtree

    def die_half_way(path: Path) -> None:
        delete(path / "features")
        raise OSError("the disk went away")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="the disk went away"):
        broken.setattr(removal.shutil, "rmtree", die_half_way)
        clean_up(warehouse, settings)
    # The rows went first: nothing that readers or a rollback could find names a file that is gone.
    assert "2026-01-01.1" not in publications_in(warehouse, "recs.index_manifest")
    assert names(folders["2026-01-01.1"]) == ["indices", "model", "outputs", "snapshot"]
    with refused(BadInput, "incomplete_publication", wording=False, publication_id="2026-01-01.1"):
        roll_back(warehouse, "2026-01-01.1", actor="ann", reason="too late")
    clean_up(warehouse, settings)
    assert names(folders["2026-01-01.1"]) == []


def test_a_rollback_between_the_look_and_the_clean_up_is_respected(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder]
) -> None:
    survey(warehouse, settings, AS_OF)
    roll_back(warehouse, "2026-01-01.1", actor="ann", reason="it was the best")
    clean_up(warehouse, settings)
    assert "2026-01-01.1" in publications_in(warehouse, "recs.recommendations")
    assert names(folders["2026-01-01.1"]) == ["features", "indices", "model", "outputs", "snapshot"]


def test_an_address_in_the_manifest_never_decides_what_is_deleted(
    settings: Settings, warehouse: Warehouse, lay: Lay, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lay("2026-01-01.1", uri=elsewhere)
    lay("2026-06-29.1")
    lay("2026-06-30.1")
    clean_up(warehouse, settings)
    assert elsewhere.exists()


def test_the_index_that_a_kept_publication_serves_from_an_older_folder_stays(
    settings: Settings, warehouse: Warehouse, lay: Lay
) -> None:
    old = lay("2026-01-01.1")
    lay("2026-06-29.1")
    lay("2026-06-30.1", uri=old.index("retrieval"))
    clean_up(warehouse, settings)
    assert names(old) == ["indices", "model"]
    assert "2026-01-01.1" not in publications_in(warehouse, "recs.recommendations")


def test_a_run_folder_behind_a_link_is_refused_and_what_it_leads_to_stays(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder], tmp_path: Path
) -> None:
    folder = folders["2026-01-01.1"].path
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with refused(NightjarError, "outside_lake", wording=False, path=folder, target=tmp_path / "elsewhere"):
        clean_up(warehouse, settings)
    assert (tmp_path / "elsewhere" / "model").exists()


def test_a_link_inside_a_run_folder_goes_and_what_it_leads_to_stays(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder], tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    for publication in ("2026-01-01.1", "2026-06-01.1"):
        snapshot = folders[publication].path / "snapshot"
        if not shared.exists():
            snapshot.rename(shared)
        else:
            shutil.rmtree(snapshot)
        snapshot.symlink_to(shared)
    clean_up(warehouse, settings)
    assert sorted(path.name for path in shared.rglob("file")) == ["file"]
    assert names(folders["2026-06-01.1"]) == ["indices", "model"]


def test_a_lake_that_is_itself_a_link_is_cleaned_like_any_other(
    settings: Settings, warehouse: Warehouse, folders: dict[str, RunFolder], tmp_path: Path
) -> None:
    settings.lake.rename(tmp_path / "big disk")
    settings.lake.symlink_to(tmp_path / "big disk")
    clean_up(warehouse, settings)
    assert names(folders["2026-01-01.1"]) == []
    assert names(folders["2026-06-01.1"]) == ["indices", "model"]


def test_ages_count_from_the_current_publication(warehouse: Warehouse, lay: Lay) -> None:
    assert default_as_of(warehouse) is None
    lay("2026-06-30.1")
    lay("2026-07-02.1", "history")
    assert default_as_of(warehouse) == AS_OF
