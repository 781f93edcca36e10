"""Tasks that launch `nightjar stage ...` in a process of its own."""

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.run import PUBLICATION_ID
from warehouse.settings import child_environment, load_settings

BAD_INPUT, GATE_REFUSED = 2, 3


class NightjarCommand(BaseOperator):
    """Run one command without a shell; its last line of output is the task's result.

    A wrong input or a gate's refusal fails at once, because trying again cannot help; other failures are retried.
    """

    template_fields: Sequence[str] = ("command",)

    def __init__(self, *, command: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = command

    def execute(self, context: Context) -> str:
        """Run the command."""
        self._hook = SubprocessHook()
        result = self._hook.run_command(self.command, env=child_environment(load_settings()), cwd="/")
        if result.exit_code in (BAD_INPUT, GATE_REFUSED):
            raise AirflowFailException(result.output)
        if result.exit_code != 0:
            raise AirflowException(result.output)
        return str(result.output)

    def on_kill(self) -> None:
        """Stop the command with the task."""
        self._hook.send_sigterm()


def stage(name: str, **kwargs: Any) -> NightjarCommand:
    """Return the task that runs one stage of the night on the run's publication."""
    return NightjarCommand(
        task_id=name, command=["nightjar", "stage", name.replace("_", "-"), "--publication", PUBLICATION_ID], **kwargs
    )
