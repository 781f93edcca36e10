"""Tasks that launch `nightjar ...` in a process of its own."""

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.command_errors import CommandFailed, CommandRefused
from dags.support.failures import code_of, go_on, reason_of, says_why, write_down
from dags.support.links import MLflowRunLink, NightReportLink
from dags.support.task_defaults import CURRENT_MOVED, OUTCOME, PUBLICATION_ID, RECS_CURRENT, RECS_HISTORY, only_in
from nightjar.contract.settings import child_environment, load_settings
from nightjar.contract.stages import stage_of
from nightjar.publishing.ledger import IS_CURRENT

BAD_INPUT, GATE_REFUSED, NOTHING_EXPECTED = 2, 3, 4


class NightjarCommand(BaseOperator):
    """Run one command without a shell; its last line of output is the task's result.

    A wrong input or a gate's refusal fails at once, because trying again cannot help; other failures are retried. Where
    there is nothing to do and nothing was expected, the task is skipped. The last line of each becomes the run's note.
    """

    template_fields: Sequence[str] = ("command",)

    def __init__(self, *, command: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = command

    def execute(self, context: Context) -> str:
        """Run the command."""
        go_on(context, self)
        self._hook = SubprocessHook()
        result = self._hook.run_command(self.command, env=child_environment(load_settings()), cwd="/")
        if result.exit_code == 0:
            return str(result.output)
        if result.exit_code == NOTHING_EXPECTED:
            context["ti"].xcom_push(OUTCOME, f"{self.task_id}: {result.output}")
            raise AirflowSkipException(result.output)
        reason = reason_of(self.task_id, result.exit_code, str(result.output))
        line = str(result.output) if says_why(str(result.output)) else reason
        context["ti"].xcom_push(OUTCOME, f"{self.task_id}: {line}")
        is_final = result.exit_code in (BAD_INPUT, GATE_REFUSED)
        write_down(context, self.task_id, result.exit_code, reason, is_final=is_final)
        kind = CommandRefused if is_final else CommandFailed
        raise kind(line, result.exit_code, code_of(str(result.output)), reason)

    def on_kill(self) -> None:
        """Stop the command with the task."""
        self._hook.send_sigterm()


class TrackedCommand(NightjarCommand):
    """A command that logs to MLflow: its task has buttons to the run and to the report that it ends with."""

    operator_extra_links = (MLflowRunLink(), NightReportLink())


class PublishCommand(TrackedCommand):
    """The command that publishes: `recs_history` is updated each time, `recs_current` when the pointer moved."""

    def execute(self, context: Context) -> str:
        """Run the command and tell what it changed."""
        outcome = super().execute(context)
        context["ti"].xcom_push(OUTCOME, outcome)
        if f" {IS_CURRENT}" in outcome:
            context["outlet_events"][CURRENT_MOVED].add(RECS_CURRENT)
        return outcome


def stage(task_id: str, pool: str, kind: type[NightjarCommand] = NightjarCommand, **kwargs: Any) -> NightjarCommand:
    """Return the task that runs the command of one stage on the run's publication."""
    known = stage_of(task_id)
    return kind(
        task_id=task_id,
        command=["nightjar", "stage", known.command_name, "--publication", PUBLICATION_ID],
        pool=pool,
        pre_execute=only_in(known.group),
        **kwargs,
    )


def publish(pool: str) -> NightjarCommand:
    """Return the task that publishes the run."""
    return stage("publish", pool=pool, kind=PublishCommand, outlets=[RECS_HISTORY, CURRENT_MOVED])
