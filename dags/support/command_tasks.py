"""Tasks that run a `nightjar ...` command in a process of its own."""

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook, SubprocessResult
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.command_errors import CommandFailed, CommandRefused
from dags.support.failure_records import code_of, is_error_line, reason_of, record_task_failure, resume_attempt
from dags.support.links import MLflowRunLink, RunReportLink
from dags.support.task_defaults import (
    CURRENT_MOVED,
    OUTCOME,
    PUBLICATION_ID,
    RECS_CURRENT,
    RECS_HISTORY,
    only_in_stage_group,
)
from nightjar.contract import prepared_commands
from nightjar.contract.environment import child_environment
from nightjar.contract.prepared_commands import FORK_SERVER
from nightjar.contract.settings import load_settings
from nightjar.contract.stages import stage_of
from nightjar.publishing.ledger import IS_CURRENT

BAD_INPUT, GATE_REFUSED, NOTHING_EXPECTED = 2, 3, 4


class CommandHook(SubprocessHook):
    """Runs a command in a process that the run's fork server prepared, where it has one."""

    def run_command(self, command: list[str], **kwargs: Any) -> SubprocessResult:
        """Run the command to its end; its output goes to the task's log."""
        process = None
        if command[0] == "nightjar":
            process = prepared_commands.start(
                FORK_SERVER, "nightjar.cli.main:main", command, kwargs["env"], kwargs["cwd"]
            )
        if process is None:
            return super().run_command(command, **kwargs)
        # By its process id `on_kill` ends it.
        self.sub_process = process
        self.log.info("Running command: %s", command)
        line = ""
        for line in process.lines():
            self.log.info("%s", line)
        exit_code = process.wait()
        self.log.info("Command exited with return code %s", exit_code)
        return SubprocessResult(exit_code, line)


class NightjarCommand(BaseOperator):
    """Run one command without a shell; its last line of output is the task's result.

    A wrong input or a gate's refusal fails at once, because a retry cannot help; other failures are retried. A command
    with nothing to do, where nothing was expected, skips its task. The last line of each becomes the run's note.
    """

    template_fields: Sequence[str] = ("command",)

    def __init__(self, *, command: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = command

    def execute(self, context: Context) -> str:
        """Run the command."""
        resume_attempt(context, self)
        self._hook = CommandHook()
        result = self._hook.run_command(self.command, env=child_environment(load_settings()), cwd="/")
        if result.exit_code == 0:
            return str(result.output)
        if result.exit_code == NOTHING_EXPECTED:
            context["ti"].xcom_push(OUTCOME, f"{self.task_id}: {result.output}")
            raise AirflowSkipException(result.output)
        reason = reason_of(self.task_id, result.exit_code, str(result.output))
        line = str(result.output) if is_error_line(str(result.output)) else reason
        context["ti"].xcom_push(OUTCOME, f"{self.task_id}: {line}")
        is_final = result.exit_code in (BAD_INPUT, GATE_REFUSED)
        record_task_failure(context, self.task_id, result.exit_code, reason, is_final=is_final)
        kind = CommandRefused if is_final else CommandFailed
        raise kind(line, result.exit_code, code_of(str(result.output)), reason)

    def on_kill(self) -> None:
        """Stop the command with the task."""
        self._hook.send_sigterm()


class TrackedCommand(NightjarCommand):
    """A command that logs to MLflow: its task has buttons to the MLflow run and to the run report."""

    operator_extra_links = (MLflowRunLink(), RunReportLink())


class PublishCommand(TrackedCommand):
    """The command that publishes: `recs_history` is updated each time, `recs_current` when the pointer moved."""

    def execute(self, context: Context) -> str:
        """Run the command and report what it changed."""
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
        pre_execute=only_in_stage_group(known.group),
        **kwargs,
    )


def publish(pool: str) -> NightjarCommand:
    """Return the task that publishes the run."""
    return stage("publish", pool=pool, kind=PublishCommand, outlets=[RECS_HISTORY, CURRENT_MOVED])
