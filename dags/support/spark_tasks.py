"""Tasks that launch a Spark job with spark-submit."""

import os
import re
import signal
from collections import deque
from typing import Any

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException

from dags.support.command_errors import CommandFailed, CommandRefused
from dags.support.failure_records import reason_of, record_task_failure, resume_attempt
from dags.support.task_defaults import COMPUTE_POOL, OUTCOME, RUN_FOLDER, only_in_stage_group, setting_of_run
from nightjar.contract import prepared_commands
from nightjar.contract.environment import spark_environment
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.prepared_commands import SPARK_SESSION, PreparedCommand
from nightjar.contract.progress import ERROR_LINE
from nightjar.contract.settings import Settings, load_settings
from nightjar.contract.spark_master import check_master
from nightjar.contract.spark_submission import application, flag, properties
from nightjar.contract.stages import stage_of
from nightjar.contract.tuned_configuration import TUNABLE

# Of a failed job's output, in which its error line is looked for.
_LAST_LINES = 200
_EXIT_CODE = re.compile(r"Error code is: (-?\d+)\.")


class HookWithoutSecrets(SparkSubmitHook):
    """Submits a job without the passwords and keys of Airflow's own processes in its environment."""

    def submit(self, application: str = "", **kwargs: Any) -> str | None:
        """Run spark-submit to its end."""
        driver: str | None = super().submit(application, **{**kwargs, "env": spark_environment()})
        return driver


class SparkJob(SparkSubmitOperator):
    """A submitted job that fails at once when its input is wrong, because a retry cannot help.

    The job's error line becomes the run's note.
    """

    _in_session: PreparedCommand | None = None

    def execute(self, context: Context) -> None:
        """Submit the job and wait for it."""
        try:
            resume_attempt(context, self)
            if not self._is_run_by_the_session():
                check_master(load_settings().spark_master)
                super().execute(context)
        except (AirflowException, NightjarError) as error:
            exit_code, code, reason = _cause(self.task_id, error)
            context["ti"].xcom_push(OUTCOME, f"{self.task_id}: {reason}")
            is_final = exit_code == BadInput.exit_code
            record_task_failure(context, self.task_id, exit_code, reason, is_final=is_final)
            # The log above has the rest of the job's output.
            kind = CommandRefused if is_final else CommandFailed
            raise kind(reason, exit_code, code, reason) from error

    def _is_run_by_the_session(self) -> bool:
        """Run the job in the Spark session that this run has had ready; False where it has none, or not any more."""
        entry, arguments = f"spark_jobs.{self.task_id}:main", [self.application, *(self.application_args or [])]
        self._in_session = prepared_commands.start(SPARK_SESSION, entry, arguments, environment={})
        if self._in_session is None:
            return False
        last_lines = deque[str](maxlen=_LAST_LINES)
        for line in self._in_session.lines():
            last_lines.append(line)
            self.log.info("%s", line)
        exit_code = self._in_session.wait()
        if exit_code != 0:
            raise AirflowException("\n".join([f"{self.task_id} failed. Error code is: {exit_code}.", *last_lines]))
        return True

    def on_kill(self) -> None:
        """Stop the job with the task; the session with it, where it runs in one."""
        if self._in_session is None:
            super().on_kill()
        else:
            os.killpg(self._in_session.pid, signal.SIGTERM)

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        # The operator creates the hook and offers no way to choose its class.
        hook.__class__ = HookWithoutSecrets
        return hook


def spark_job(name: str, *settings: str, arguments: list[str] | None = None) -> SparkJob:
    """Return the task that submits `spark_jobs/<name>.py` on the run's folder.

    Each name in `settings` is passed as the job's argument of the same name, with the value of the run's
    configuration where that sets one.
    """
    values = load_settings()
    flags = [part for each in settings for part in (flag(each), _value(values, each))]
    return SparkJob(
        task_id=name,
        application=application(name),
        application_args=["--run-folder", RUN_FOLDER, *(arguments or []), *flags],
        name=f"nightjar {name}",
        conn_id="spark_default",
        driver_memory=values.spark_driver_memory,
        executor_memory=values.spark_executor_memory,
        conf=properties(values),
        pool=COMPUTE_POOL,
        pre_execute=only_in_stage_group(stage_of(name).group),
    )


def _cause(task: str, error: Exception) -> tuple[int, str, str]:
    """Return a failed submission's exit code, error code and reason."""
    if isinstance(error, NightjarError):
        return error.exit_code, error.code, str(error)
    text = str(error)
    ended = _EXIT_CODE.search(text)
    exit_code = int(ended[1]) if ended else NightjarError.exit_code
    if error_line := ERROR_LINE.search(text):
        return exit_code, error_line["code"] or "", error_line["reason"]
    last_line = [line for line in text.splitlines() if line.strip()][-1:] or [""]
    return exit_code, "", reason_of(task, exit_code, last_line[0].strip())


def _value(values: Settings, setting: str) -> str:
    # Known only at run time: the run may use a tuned configuration.
    return setting_of_run(setting) if setting in TUNABLE else str(getattr(values, setting))
