"""A real dbt on an empty warehouse: what a stage says of the models it built, and of one that is broken."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval
from nightjar.contract.places import DBT_PROJECT
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.stages import build_dbt_models
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse

INTERVAL = DataInterval(datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


@pytest.fixture
def folder(settings: Settings) -> RunFolder:
    DuckDBWarehouse(settings.warehouse_path).create_tables()
    folder = RunFolder.of(settings.lake, "2026-03-31.1")
    folder.write_record(RunRecord("2026-03-31.1", 1, INTERVAL, None, "auto", "r", "c"))
    return folder


def test_each_model_is_a_line_and_a_broken_one_is_named_with_file_line_and_column(
    settings: Settings,
    folder: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project)
    broken = project / "models" / "core" / "dim_item_features.sql"
    broken.write_text(f"-- A comment.\n{broken.read_text()}".replace("        weight,", "        wieght,", 1))
    monkeypatch.setattr("nightjar.warehouse.dbt_runner.DBT_PROJECT", project)
    monkeypatch.setattr("nightjar.warehouse.dbt_failures.explain.__defaults__", (project,))
    with pytest.raises(BadInput) as failed:
        build_dbt_models.inputs(settings, folder)
    said = capsys.readouterr().out
    line = broken.read_text().splitlines().index("        wieght,") + 1
    assert failed.value.fields["stage"] == "dbt_inputs"
    assert str(failed.value.fields["file"]).endswith("models/core/dim_item_features.sql")
    assert failed.value.fields["line"] == line
    assert '"wieght"' in str(failed.value)
    assert "\n" not in str(failed.value)
    assert re.search(r"staging\.stg_items: success\b", said)
    assert re.search(r"core\.dim_item_features: error\b", said)
    # Plain text that a person reads in one go, never dbt's events.
    assert "{" not in said
    assert len(said) < 8_000
    # The stage is not among those that ended.
    assert not folder.progress.exists()
