import inspect
from collections.abc import Callable
from importlib import import_module

import pytest
from typer.testing import CliRunner

from nightjar.cli.stage_commands import app
from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.stages import STAGES, Stage


def function_of(stage: Stage) -> Callable[..., object]:
    module, function = stage.runs.split(":")
    loaded: Callable[..., object] = getattr(import_module(module), function)
    return loaded


# Loaded when the tests are collected: MLflow asks a process what machine this is when it is first imported.
FUNCTIONS = {stage.task_id: function_of(stage) for stage in STAGES if stage.group and not stage.is_spark_job}


@pytest.mark.parametrize("task_id", FUNCTIONS)
def test_every_stage_is_a_function_of_settings_and_run_folder(task_id: str) -> None:
    parameters = inspect.signature(FUNCTIONS[task_id], eval_str=True).parameters
    assert [each.annotation for each in parameters.values()] == [Settings, RunFolder]


def test_a_publication_that_was_never_begun_is_bad_input(settings: Settings) -> None:
    runner = CliRunner(env={"NIGHTJAR_HOME": str(settings.home)})
    done = runner.invoke(app, ["unload", "--publication", "2026-03-31.1"])
    assert isinstance(done.exception, BadInput)
    assert done.exception.code == "not_a_run_folder"
    done = runner.invoke(app, ["unload", "--publication", "../x"])
    assert isinstance(done.exception, BadInput)
    assert done.exception.code == "not_a_publication_id"
