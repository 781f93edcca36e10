"""The registries of stages and gates, the DAG's commands and the modules of the stages name the same."""

import shlex
from importlib.util import find_spec

import pytest

from nightjar.contract.gates import GATES, REQUIRED_GATES, gates_of
from nightjar.contract.places import REPOSITORY
from nightjar.contract.stages import STAGE_GROUPS, STAGES, Stage, groups_before, stage_of

COMMANDS = REPOSITORY / "tests" / "integration" / "dags" / "nightly_recommendations_commands.txt"


def command_of(stage: Stage) -> list[str]:
    """The first words of the command that a stage's task runs."""
    if stage.is_spark_job:
        return ["spark-submit", f"<repository>/{stage.runs.partition(':')[0].replace('.', '/')}.py"]
    return ["nightjar", "stage", stage.command_name]


def test_each_task_of_the_dag_is_a_stage_and_each_stage_a_task() -> None:
    tasks = dict(line.split(": ", 1) for line in COMMANDS.read_text(encoding="utf-8").splitlines())
    launched = {task_id: shlex.split(command) for task_id, command in tasks.items()}
    expected = {stage.task_id: command_of(stage) for stage in STAGES}
    assert {task_id: words[: len(expected.get(task_id, words))] for task_id, words in launched.items()} == expected


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.task_id)
def test_the_module_of_every_stage_exists(stage: Stage) -> None:
    assert find_spec(stage.runs.partition(":")[0]) is not None
    assert stage_of(stage.task_id) is stage


def test_the_stages_are_in_the_order_of_their_groups() -> None:
    groups = [stage.group for stage in STAGES if stage.group]
    assert groups == sorted(groups, key=STAGE_GROUPS.index)
    assert set(groups) == set(STAGE_GROUPS)
    assert groups_before("features") == ("inputs",)


def test_every_gate_decides_in_a_stage_group_before_or_in_the_publication() -> None:
    assert {gate.group for gate in GATES} <= set(STAGE_GROUPS)
    assert gates_of(*STAGE_GROUPS) == tuple(gate.name for gate in GATES)
    assert REQUIRED_GATES == (
        "inputs",
        "popularity",
        "champion",
        "champion_record",
        "coverage",
        "retrieval_recall",
        "similarity_recall",
        "outputs",
    )
