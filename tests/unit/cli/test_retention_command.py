"""`nightjar retention` and `nightjar rollback` on one home with a real MLflow store, whose tables take seconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from typer.testing import CliRunner

from ml import tracking
from nightjar.cli.main import application
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused
from tests.support.warehouse_homes import variables_of

OLD, TARGET, CURRENT = "2026-01-01.1", "2026-06-29.1", "2026-06-30.1"


@dataclass(frozen=True)
class Home:
    """Three publications: an old one, a rollback target and the current one."""

    settings: Settings
    client: MlflowClient
    runs: dict[str, tracking.TrackedRun]

    def nightjar(self, *arguments: str) -> Result:
        environment = {
            "NIGHTJAR_HOME": str(self.settings.home),
            "NIGHTJAR_RETENTION_ROLLBACK_PUBLICATIONS": "1",
        }
        return CliRunner(env=environment).invoke(application(), arguments)

    def rows(self, query: str) -> list[Any]:
        with open_warehouse(self.settings).connect(read_only=True) as connection:
            return connection.execute(query).fetchall()


def figures(output: str) -> list[str]:
    """The numbers, dates and publication ids in the last line of an output."""
    return re.findall(r"\d{4}-\d{2}-\d{2}(?:[.]\d+)?|\d+(?:[.]\d+)?", output.splitlines()[-1])


def track(settings: Settings, publication_id: str) -> tracking.TrackedRun:
    """Log a run with a model of one file and register it."""
    folder = RunFolder.of(settings.lake, publication_id)
    folder.write_record(RunRecord(publication_id, 1, of_date(publication_id[:10]), None, "auto", "run", "v"))
    model = settings.home / "model to log"
    model.mkdir(exist_ok=True)
    (model / "manifest.json").write_text("{}")
    logged = tracking.log_stage(settings, folder, tracking.StageLog(artifacts={"model": model}))
    return tracking.register_model(settings, folder, logged, "model")


def artifacts(home: Home, run_id: str) -> Path:
    return Path(home.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, lay_in: Callable[..., RunFolder]) -> Home:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    open_warehouse(settings).create_tables()
    runs = {}
    for publication_id in (OLD, TARGET, CURRENT):
        run = runs[publication_id] = track(settings, publication_id)
        lay_in(settings, publication_id, mlflow_run_id=run.run_id, model_uri=run.model_uri)
    tracking.set_champion(settings, str(runs[CURRENT].model_version))
    return Home(settings, MlflowClient(settings.mlflow_uri, settings.mlflow_uri), runs)


def test_a_rollback_moves_the_champion_alias_there_and_back(home: Home) -> None:
    for publication_id, previous in ((TARGET, CURRENT), (CURRENT, TARGET)):
        result = home.nightjar("rollback", "--to", publication_id, "--reason", "CTR fell", "--actor", "manual__7")
        assert figures(result.output) == [publication_id, previous]
        champion = home.client.get_model_version_by_alias("nightjar", "champion")
        assert champion.run_id == home.runs[publication_id].run_id
        assert home.rows("select publication_id, actor from recs.publications order by ledger_id desc limit 1") == [
            (publication_id, "manual__7")
        ]


def test_a_rollback_whose_alias_failed_is_mended_by_the_same_command(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NightjarError("away", code="mlflow_unreachable")

    command = ("rollback", "--to", TARGET, "--reason", "second try", "--actor", "manual__8")
    with monkeypatch.context() as broken:
        broken.setattr(tracking, "set_champion", fail)
        assert isinstance(home.nightjar(*command).exception, NightjarError)
    assert home.rows("select publication_id from recs.current_publication") == [(TARGET,)]
    assert home.nightjar(*command).exit_code == 0
    assert home.client.get_model_version_by_alias("nightjar", "champion").run_id == home.runs[TARGET].run_id
    assert home.nightjar("rollback", "--to", CURRENT, "--reason", "enough").exit_code == 0


def test_retention_lists_first_and_deletes_with_apply(home: Home) -> None:
    shown = home.nightjar("retention").output
    table = [[cell.strip() for cell in line.split("│")[1:5]] for line in shown.splitlines() if "│ 2026-" in line]
    assert [(row[0], row[3]) for row in table] == [(OLD, "6"), (TARGET, "0"), (CURRENT, "0")]
    assert "retention_publication_days" in table[0][1]
    assert figures(shown) == ["6", "0.0", "1", "2026-06-30"]
    assert "nightjar retention --apply" in shown.splitlines()[-1]
    assert home.rows("select count(*) from recs.recommendations") == [(3,)]

    old = home.runs[OLD]
    files = artifacts(home, old.run_id)
    assert (files / "model" / "manifest.json").exists()
    done = home.nightjar("retention", "--apply").output
    assert figures(done) == ["6", "0.0", "1", "2026-06-30"]
    assert not files.exists()
    assert not RunFolder.of(home.settings.lake, OLD).path.exists()
    assert home.client.get_run(old.run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException) as gone:
        home.client.get_model_version("nightjar", str(old.model_version))
    assert gone.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    for publication_id in (TARGET, CURRENT):
        run = home.runs[publication_id]
        assert home.client.get_model_version("nightjar", str(run.model_version)).run_id == run.run_id
        assert (artifacts(home, run.run_id) / "model" / "manifest.json").exists()

    again = home.nightjar("retention", "--apply").output
    assert OLD not in again
    assert figures(again) == ["0", "0.0", "0", "2026-06-30"]


def test_an_old_search_is_deleted_with_the_runs_of_its_trials(home: Home) -> None:
    trials = {f"trial {number}": tracking.StageLog(metrics={"recall": (0.1,)}) for number in (1, 2)}
    tunings = {name: tracking.log_tuning(home.settings, name, tracking.StageLog(), trials) for name in (OLD, CURRENT)}
    for name in tunings:
        (home.settings.lake / "tuning" / name).mkdir(parents=True)
    assert f"tuning {OLD}" in home.nightjar("retention").output
    done = home.nightjar("retention", "--apply").output
    assert figures(done) == ["0", "0.0", "3", "2026-06-30"]
    assert [path.name for path in (home.settings.lake / "tuning").iterdir()] == [CURRENT]
    stages = [home.client.get_run(tunings[name]).info.lifecycle_stage for name in (OLD, CURRENT)]
    assert stages == ["deleted", "active"]
    assert figures(home.nightjar("retention", "--apply").output) == ["0", "0.0", "0", "2026-06-30"]


def test_a_model_that_is_needed_or_has_an_alias_is_not_deleted(home: Home) -> None:
    plain, needed, pinned = (track(home.settings, f"2025-01-0{day}.1") for day in (1, 2, 3))
    home.client.set_registered_model_alias("nightjar", "paper", str(pinned.model_version))
    old = {"2025-01-01.1", "2025-01-02.1", "2025-01-03.1"}
    found = tracking.deletable_runs(home.settings, old, {needed.run_id})
    assert found == {"2025-01-01.1": plain.run_id}


def test_artifacts_outside_the_home_are_refused_and_stay(home: Home, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    elsewhere = home.client.create_experiment("elsewhere", artifact_location=tmp_path.as_uri())
    run_id = home.client.create_run(elsewhere).info.run_id
    outside = tmp_path / run_id / "artifacts"
    outside.mkdir(parents=True)
    with refused(NightjarError, "artifacts_outside_home", wording=False, run_id=run_id):
        tracking.delete_runs(home.settings, [run_id])
    assert outside.exists()
    assert home.client.get_run(run_id).info.lifecycle_stage == "active"


def test_ages_count_from_the_given_date(lay: Callable[..., RunFolder], settings: Settings) -> None:
    lay(TARGET)
    lay("2026-06-02.1", None)
    lay(CURRENT, started_at=datetime(2026, 7, 1, tzinfo=UTC))
    runner = CliRunner(env=variables_of(settings))
    kept = runner.invoke(application(), ["retention", "--apply", "--as-of", "2026-06-16"]).output
    assert figures(kept) == ["0", "0.0", "0", "2026-06-16"]
    gone = runner.invoke(application(), ["retention", "--apply", "--as-of", str(date(2026, 6, 17))]).output
    assert figures(gone) == ["8", "0.0", "0", "2026-06-17"]
    result = runner.invoke(application(), ["retention", "--as-of", "yesterday"])
    assert isinstance(result.exception, BadInput)
    assert (result.exception.code, result.exception.fields["value"]) == ("not_a_date", "yesterday")


def test_an_empty_home_has_nothing_to_delete(warehouse: Warehouse, settings: Settings) -> None:
    result = CliRunner(env=variables_of(settings)).invoke(application(), ["retention", "--apply"])
    assert (result.exit_code, result.output.count("\n")) == (0, 1)
    assert figures(result.output) == []
