"""Tasks that launch a Spark job with spark-submit."""

import re
from typing import Any

from airflow.providers.apache.spark.hooks.spark_submit import SparkSubmitHook
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.run import COMPUTE_POOL, OUTCOME, RUN_FOLDER, only_in, setting_of_run
from dags.support.spark_master import check_master
from warehouse.errors import NightjarError
from warehouse.recipe import TUNABLE
from warehouse.settings import Settings, load_settings, spark_environment
from warehouse.spark_submission import REASON, application, flag, properties

_BAD_INPUT = re.compile(r"Error code is: 2\.")


class WithoutSecrets(SparkSubmitHook):
    """Submits a job that sees nothing of the passwords and keys which Airflow's own processes hold."""

    def submit(self, application: str = "", **kwargs: Any) -> str | None:
        """Run spark-submit to its end."""
        driver: str | None = super().submit(application, **{**kwargs, "env": spark_environment()})
        return driver


class SparkJob(SparkSubmitOperator):
    """A submitted job that fails at once when its input is wrong, because trying again cannot help.

    The line in which the job says why becomes the run's note.
    """

    def execute(self, context: Context) -> None:
        """Submit the job and wait for it."""
        try:
            check_master(load_settings().spark_master)
            super().execute(context)
        except (AirflowException, NightjarError) as error:
            said = REASON.search(str(error))
            reason = said[1] if said else "the job failed, its log says why"
            if isinstance(error, NightjarError):
                reason = str(error)
            context["ti"].xcom_push(OUTCOME, f"{self.task_id}: {reason}")
            # The log above has the rest of what the job said.
            failure = AirflowFailException if _BAD_INPUT.search(str(error)) else AirflowException
            raise failure(reason) from error

    def _get_hook(self) -> SparkSubmitHook:
        hook = super()._get_hook()
        # The operator names the hook's class itself and offers no place for another.
        hook.__class__ = WithoutSecrets
        return hook


def spark_job(name: str, *settings: str, of: str, arguments: list[str] | None = None) -> SparkJob:
    """Return the task that submits `spark_jobs/<name>.py` on the run's folder, as part of one stage of the night.

    Each name in `settings` is passed as the job's argument of the same name, with the value of the run's recipe where
    that has one.
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
        pre_execute=only_in(of),
    )


def _value(values: Settings, setting: str) -> str:
    # Only the run knows its recipe.
    return setting_of_run(setting) if setting in TUNABLE else str(getattr(values, setting))
