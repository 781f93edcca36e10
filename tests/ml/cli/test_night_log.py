import pytest

from ml.cli.night_log import Failure, NightLog

HOOK = "[airflow.task.hooks.airflow.providers.standard.hooks.subprocess.SubprocessHook] loc=subprocess.py:106"
API = "[airflow.api_fastapi.execution_api.routes.task_instances] correlation_id=01a1 loc=task_instances.py:485"


def said(message: str) -> str:
    return f"2026-11-21T19:14:59.807925Z [info     ] {message} {HOOK}\n"


def started(task: str) -> str:
    return (
        f"2026-11-21T19:14:58.1Z [info     ] [DAG TEST] starting task_id={task} map_index=-1 [airflow.sdk.dag] loc=1\n"
    )


def ended(state: str) -> str:
    return (
        f"2026-11-21T19:15:00.1Z [info     ] Task instance state updated    {API} new_state={state} rows_affected=1\n"
    )


@pytest.fixture
def log() -> NightLog:
    return NightLog()


def test_a_stages_line_is_shown_without_what_airflow_adds(log: NightLog) -> None:
    assert log.read(said("[nightjar] unload: 5 rows in 0.2 s, 25 rows/s")) == "unload: 5 rows in 0.2 s, 25 rows/s"
    assert log.read("[nightjar] dbt_inputs: models built in 9.4 s\n") == "dbt_inputs: models built in 9.4 s"


def test_airflows_own_lines_are_not_shown(log: NightLog) -> None:
    lines = (started("unload"), ended("success"), said("Command exited with return code 0"), "Traceback\n", "\n")
    assert [log.read(line) for line in lines] == [None] * 5


def test_the_first_stage_names_the_publication(log: NightLog) -> None:
    shown = log.read(said("[nightjar] begin: 2026-03-31.2 as of 2026-04-01T00:00:00+00:00"))
    assert shown == "begin: 2026-03-31.2 as of 2026-04-01T00:00:00+00:00"
    assert log.publication_id == "2026-03-31.2"
    assert log.failure is None


def test_the_error_of_a_failed_task_is_why_the_night_failed(log: NightLog) -> None:
    lines = (
        started("gate_model"),
        said("[nightjar] error (3): not published, refused by gate popularity (0.2 against 0.3)"),
        "airflow.sdk.exceptions.AirflowFailException: [nightjar] error (3): not published, refused by gate popularity"
        " (0.2 against 0.3)\n",
        ended("failed"),
    )
    assert [log.read(line) for line in lines] == [None] * 4
    assert log.failure == Failure(3, "not published, refused by gate popularity (0.2 against 0.3)")


def test_an_error_that_a_later_try_made_good_is_no_failure(log: NightLog) -> None:
    log.read(started("publish"))
    log.read(said("[nightjar] error (1): warehouse.duckdb was busy for 120 s"))
    shown = log.read(ended("up_for_retry"))
    assert shown == "publish: tried again soon, because: warehouse.duckdb was busy for 120 s"
    log.read(started("publish"))
    log.read(ended("success"))
    assert log.failure is None
    log.read(started("marts"))
    log.read(ended("failed"))
    assert log.failure == Failure(1, "task marts failed without a line of its own")


def test_a_task_that_fails_without_a_line_is_named(log: NightLog) -> None:
    for line in (started("begin"), ended("success"), started("build_features"), ended("failed")):
        log.read(line)
    assert log.failure == Failure(1, "task build_features failed without a line of its own")


def test_the_first_failed_task_is_the_reason_whatever_fails_after_it(log: NightLog) -> None:
    for line in (started("a"), said("[nightjar] error (2): first"), ended("failed"), started("b"), ended("failed")):
        log.read(line)
    assert log.failure == Failure(2, "first")
