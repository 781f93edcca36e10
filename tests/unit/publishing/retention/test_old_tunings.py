"""What retention takes of searches for better settings: nothing that may still run, and never what one came to."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from nightjar.publishing.retention.old_tunings import old_tunings, remove_tuning
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.protocol import insert_row
from tests.support.refusals import refused

AS_OF = date(2026, 6, 30)
TOUCHED = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, retention_mlflow_days=90, retention_run_folder_days=14)


@pytest.fixture
def warehouse(settings: Settings) -> DuckDBWarehouse:
    made = DuckDBWarehouse(settings.warehouse_path)
    made.create_tables()
    return made


def begin_attempt_at(warehouse: DuckDBWarehouse, started_at: datetime) -> None:
    attempt = {"publication_id": "2026-06-30.1", "data_date": AS_OF, "attempt": 1, "as_of": TOUCHED, "run_id": "r"}
    rest = {"publish_mode": "auto", "stages": "features", "code_version": "1", "started_at": started_at}
    with warehouse.transaction() as connection:
        insert_row(connection, "recs.publication_attempts", attempt | rest)


def lay(settings: Settings, name: str, *, ended: bool) -> Path:
    folder = settings.lake / "tuning" / name
    (folder / "work").mkdir(parents=True)
    (folder / "rival.json").write_text("{}")
    (folder / "work" / "part").write_text("12345")
    for path in (folder / "work" / "part", folder / "work"):
        os.utime(path, (TOUCHED.timestamp(),) * 2)
    if ended:
        (folder / "work" / "part").unlink()
        (folder / "work").rmdir()
    return folder


def test_an_ended_search_goes_with_its_runs_once_it_is_old_and_its_result_stays(
    settings: Settings, warehouse: DuckDBWarehouse
) -> None:
    old, young = (lay(settings, name, ended=True) for name in ("2026-03-31.1", "2026-04-01.1"))
    result = settings.lake / "recipes" / "2026-03-31.1.json"
    result.parent.mkdir()
    result.write_text("{}")
    # 91 days and 90 days before.
    [found] = old_tunings(warehouse, settings, AS_OF)
    assert (found.name, found.path, found.file_bytes, found.deletes_mlflow_runs) == ("2026-03-31.1", old, 2, True)
    remove_tuning(found)
    remove_tuning(found)
    assert not old.exists()
    assert young.exists()
    assert result.exists()


@pytest.mark.parametrize(("days_later", "goes"), [(2, False), (3, True)])
def test_the_work_files_of_a_search_that_never_ended_go_once_it_cannot_be_running(
    settings: Settings, warehouse: DuckDBWarehouse, days_later: int, goes: bool
) -> None:
    folder = lay(settings, "2026-06-01.1", ended=False)
    assert old_tunings(warehouse, settings, AS_OF) == []
    begin_attempt_at(warehouse, TOUCHED + timedelta(days=days_later))
    found = old_tunings(warehouse, settings, AS_OF)
    assert [(each.path, each.file_bytes, each.deletes_mlflow_runs) for each in found] == (
        [(folder / "work", 5, False)] if goes else []
    )


def test_nothing_goes_where_the_settings_keep_all(settings: Settings, warehouse: DuckDBWarehouse) -> None:
    lay(settings, "2020-01-01.1", ended=False)
    begin_attempt_at(warehouse, TOUCHED + timedelta(days=30))
    kept = settings.model_copy(update={"retention_mlflow_days": 0, "retention_run_folder_days": 0})
    assert old_tunings(warehouse, kept, AS_OF) == []


def test_a_folder_behind_a_link_is_refused(settings: Settings, warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (settings.lake / "tuning").mkdir(parents=True)
    (settings.lake / "tuning" / "2020-01-01.1").symlink_to(tmp_path / "elsewhere")
    path = settings.lake / "tuning" / "2020-01-01.1"
    with refused(NightjarError, "outside_lake", path=path, target=tmp_path / "elsewhere"):
        old_tunings(warehouse, settings, AS_OF)
