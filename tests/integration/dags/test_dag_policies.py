"""Policies of every DAG, edges that protect the publication, and the commands of the tasks."""

import contextlib
import json
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from nightjar.contract.environment import child_environment
from nightjar.contract.interval import of_date
from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import TunedConfiguration, write_tuned_configuration
from nightjar.stack.prepare_home import POOLS, prepare_airflow, prepare_data, register_dags
from tests.support.golden import check_file

UNSCHEDULED = {"rollback_publication", "tune_model"}
DAGS = sorted(path.stem for path in (REPOSITORY / "dags").glob("*.py") if path.stem != "__init__")
DESCRIBE = Path(__file__).parent / "describe_dags.py"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    prepare_data(settings)
    prepare_airflow(child_environment(settings), settings.airflow_home)
    record = RunRecord("2026-03-31.1", 1, of_date("2026-03-31"), None, "auto", "scheduled", "0.1.0")
    RunFolder.of(settings.lake, record.publication_id).write_record(record)
    return settings


@pytest.fixture(scope="module")
def described(settings: Settings) -> dict[str, Any]:
    return describe(settings)


def describe(settings: Settings) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(DESCRIBE), str(REPOSITORY / "dags")],
        env=child_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    plain = done.stdout.splitlines()[-1].replace(str(settings.home), "<home>").replace(str(REPOSITORY), "<repository>")
    result: dict[str, Any] = json.loads(plain)
    return result


@pytest.fixture(scope="module")
def nightly_tasks(described: dict[str, Any]) -> dict[str, Any]:
    tasks: dict[str, Any] = described["dags"]["nightly_recommendations"]["tasks"]
    return tasks


def upstream(tasks: dict[str, Any], task_id: str) -> set[str]:
    """All upstream tasks of this one."""
    direct = set(tasks[task_id]["upstream"])
    return direct.union(*(upstream(tasks, each) for each in direct))


def test_every_dag_parses(described: dict[str, Any]) -> None:
    assert described["errors"] == {}
    assert sorted(described["dags"]) == DAGS


def test_the_dags_are_listed_before_any_server_runs(settings: Settings) -> None:
    register_dags(child_environment(settings))
    with contextlib.closing(sqlite3.connect(settings.airflow_home / "airflow.db")) as connection:
        listed = connection.execute("select dag_id, has_import_errors from dag order by dag_id").fetchall()
    assert listed == [(dag_id, 0) for dag_id in DAGS]


def test_a_notifier_that_does_not_exist_is_named_with_its_setting(settings: Settings) -> None:
    errors = describe(settings.model_copy(update={"failure_notifier": "no.such.Notifier"}))["errors"]
    [output] = [text for path, text in errors.items() if path.endswith("nightly_recommendations.py")]
    assert "NIGHTJAR_FAILURE_NOTIFIER='no.such.Notifier'" in output


def test_no_password_of_the_warehouse_is_in_what_airflow_keeps(settings: Settings) -> None:
    changes = {"warehouse_engine": "postgres", "postgres_password": SecretStr("canary"), "postgres_host": "db.example"}
    result = describe(settings.model_copy(update=changes))
    assert result["errors"] == {}
    assert "canary" not in json.dumps(result)


def test_every_dag_has_a_page_tags_and_an_interval_timetable_unless_it_is_unscheduled(
    described: dict[str, Any],
) -> None:
    for dag_id, dag in described["dags"].items():
        assert dag["doc"].startswith("# "), dag_id
        assert "nightjar" in dag["tags"], dag_id
        # A plain cron expression would give empty intervals, and only an interval can be backfilled.
        expected = "NullTimetable" if dag_id in UNSCHEDULED else "DataDateTimetable"
        assert dag["timetable"] == expected, dag_id
        assert dag["catchup"] is False, dag_id


def test_every_task_has_an_owner_retries_and_a_pool_that_exists(described: dict[str, Any]) -> None:
    for dag in described["dags"].values():
        for task_id, task in dag["tasks"].items():
            assert task["owner"] == "nightjar", task_id
            assert task["pool"] in {*POOLS, "default_pool"}, task_id
            if task["command"]:
                assert task["retries"] == 2, task_id
                assert task["pool"] in POOLS, task_id


def test_every_task_that_writes_to_the_warehouse_waits_for_its_one_slot(nightly_tasks: dict[str, Any]) -> None:
    writing_tasks = {"begin", "audit_inputs", "unload", "gate_model", "build_indices", "load_staging", "audit_outputs"}
    writing_tasks |= {"publish", "dbt_inputs", "marts"}
    # The report only reads, but meanwhile dbt could not open the file, and dbt does not wait.
    assert {nightly_tasks[task_id]["pool"] for task_id in writing_tasks | {"report"}} == {"warehouse_writer"}


def test_nothing_is_published_before_every_gate_and_the_audit(nightly_tasks: dict[str, Any]) -> None:
    gates = {"audit_inputs", "gate_model", "build_indices", "audit_outputs"}
    assert gates <= upstream(nightly_tasks, "publish")
    # The audited rows must be the published ones: nothing may load between the two.
    assert nightly_tasks["publish"]["upstream"] == ["audit_outputs"]
    assert nightly_tasks["audit_outputs"]["upstream"] == ["load_staging"]


def test_no_task_starts_when_no_upstream_task_ran(described: dict[str, Any]) -> None:
    for dag in described["dags"].values():
        for task_id, task in dag["tasks"].items():
            assert task["trigger_rule"] in {"all_success", "none_failed_min_one_success"}, task_id


def test_after_a_skipped_begin_nothing_runs_and_after_a_skipped_stage_group_the_next_does(
    nightly_tasks: dict[str, Any],
) -> None:
    everything = set(nightly_tasks)
    assert skipped(nightly_tasks, {"begin"}) == everything
    features = {"unload", "build_features"}
    assert skipped(nightly_tasks, {"dbt_inputs", "unload"}) == {"dbt_inputs", "audit_inputs", *features}


def skipped(tasks: dict[str, Any], first: set[str]) -> set[str]:
    """The tasks that are skipped when these are: those without a succeeded upstream task."""
    result = set(first)
    while more := {
        each for each in set(tasks) - result if tasks[each]["upstream"] and {*tasks[each]["upstream"]} <= result
    }:
        result |= more
    return result


def test_each_selection_of_dbt_models_is_one_task(nightly_tasks: dict[str, Any]) -> None:
    assert {name: task["command"][:3] for name, task in nightly_tasks.items() if "dbt-" in str(task["command"])} == {
        "dbt_inputs": ["nightjar", "stage", "dbt-inputs"],
        "marts": ["nightjar", "stage", "dbt-marts"],
    }


def test_the_inputs_are_tested_before_anything_is_unloaded(nightly_tasks: dict[str, Any]) -> None:
    assert nightly_tasks["unload"]["upstream"] == ["audit_inputs", "begin"]
    assert nightly_tasks["audit_inputs"]["upstream"] == ["dbt_inputs"]


def test_the_evaluated_model_is_gated_before_the_serving_model_is_fitted(nightly_tasks: dict[str, Any]) -> None:
    assert nightly_tasks["fit_model"]["upstream"] == ["gate_model"]


def test_the_marts_never_delay_a_publication(nightly_tasks: dict[str, Any]) -> None:
    assert "marts" not in upstream(nightly_tasks, "publish")
    assert nightly_tasks["marts"]["upstream"] == ["begin", "publish"]


def test_typed_text_reaches_the_command_as_one_argument(described: dict[str, Any]) -> None:
    command = described["dags"]["rollback_publication"]["tasks"]["roll_back"]["command"]
    assert command[2:4] == ["--to=2026-03-30.1", "--reason=CTR fell; see $(the) report's 2nd page"]


def test_typed_text_is_never_a_template(described: dict[str, Any]) -> None:
    dags = described["dags"]
    # All others have a pattern, a format or fixed values.
    assert {dag_id: dag["parameters_of_any_text"] for dag_id, dag in dags.items() if dag["parameters_of_any_text"]} == {
        "nightly_recommendations": ["note"],
        "rollback_publication": ["reason"],
    }
    typed = "{{ 7 * 7 }} {{ conn.spark_default }} {% for each in params %}{{ each }}{% endfor %} $(id)"
    assert f"--note={typed}" in dags["nightly_recommendations"]["tasks"]["begin"]["command_of_template"]
    assert f"--reason={typed}" in dags["rollback_publication"]["tasks"]["roll_back"]["command_of_template"]


def test_retention_deletes_on_schedule_and_only_lists_when_started_by_hand(described: dict[str, Any]) -> None:
    task = described["dags"]["retention"]["tasks"]["delete_old_attempts"]
    assert task["command"] == ["nightjar", "retention", "--apply"]
    assert task["command_by_hand"] == ["nightjar", "retention", "--dry-run"]


def test_a_dag_is_scheduled_only_while_it_has_a_schedule(settings: Settings) -> None:
    changes = {"tuning_schedule": "0 12 * * 6", "tuning_minutes": 45, "performance_schedule": ""}
    weekly = describe(settings.model_copy(update=changes))
    assert weekly["dags"]["recommendation_performance"]["timetable"] == "NullTimetable"
    assert weekly["dags"]["tune_model"]["timetable"] == "DataDateTimetable"
    assert weekly["dags"]["tune_model"]["tasks"]["tune_model"]["command"][-1] == "--minutes=45"


def test_a_search_reads_the_warehouse_in_its_turn_and_trains_in_its_turn(described: dict[str, Any]) -> None:
    tasks = described["dags"]["tune_model"]["tasks"]
    assert {name: task["pool"] for name, task in tasks.items()} == {
        "begin_tuning": "warehouse_writer",
        "tune_model": "compute",
    }
    assert tasks["tune_model"]["upstream"] == ["begin_tuning"]


def test_features_are_built_with_the_tuned_configuration_of_the_run(settings: Settings) -> None:
    folder = RunFolder.of(settings.lake, "2026-03-31.1")
    write_tuned_configuration(
        folder.tuned_configuration, TunedConfiguration("2026-03-01.1", {"recency_rank_power": 3.0, "epochs": 12})
    )
    try:
        command = describe(settings)["dags"]["nightly_recommendations"]["tasks"]["build_features"]["command"]
    finally:
        folder.tuned_configuration.unlink()
    assert command[command.index("--recency-rank-power") + 1] == "3.0"
    assert command[command.index("--max-feature-weight") + 1] == "10.0"


@pytest.mark.parametrize("dag_id", ["retention", "rollback_publication"])
def test_tasks_that_change_the_published_state_wait_for_the_one_slot(described: dict[str, Any], dag_id: str) -> None:
    assert {task["pool"] for task in described["dags"][dag_id]["tasks"].values()} == {"warehouse_writer"}


def test_online_metrics_have_the_lowest_priority_and_never_hold_the_slot_of_training(
    described: dict[str, Any], nightly_tasks: dict[str, Any]
) -> None:
    [task] = described["dags"]["recommendation_performance"]["tasks"].values()
    assert task["pool"] == "warehouse_writer"
    assert task["priority"] == 0
    assert all(each["priority"] > 0 for each in nightly_tasks.values())


@pytest.mark.parametrize("dag_id", DAGS)
def test_the_commands_are_as_reviewed(described: dict[str, Any], dag_id: str) -> None:
    golden = Path(__file__).parent / f"{dag_id}_commands.txt"
    rendered = "".join(
        f"{task_id}: {shlex.join(task['command'])}\n"
        for task_id, task in described["dags"][dag_id]["tasks"].items()
        if task["command"]
    )
    check_file(golden, rendered)
