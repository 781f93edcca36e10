"""Tasks that launch a Spark job with spark-submit."""

import re

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dags.support.run import COMPUTE_POOL, OUTCOME, RUN_FOLDER, only_in
from warehouse.settings import REPOSITORY, load_settings

LOGGING = (REPOSITORY / "spark_jobs" / "log4j2.properties").as_uri()

_BAD_INPUT = re.compile(r"Error code is: 2\.")


class SparkJob(SparkSubmitOperator):
    """A submitted job that fails at once when its input is wrong, because trying again cannot help."""

    def execute(self, context: Context) -> None:
        """Submit the job and wait for it."""
        try:
            super().execute(context)
        except AirflowException as error:
            context["ti"].xcom_push(OUTCOME, f"{self.task_id}: the job failed, its log says why")
            if _BAD_INPUT.search(str(error)):
                raise AirflowFailException(f"{self.task_id}: bad input, see the log above") from error
            raise


def spark_job(name: str, *settings: str, of: str, arguments: list[str] | None = None) -> SparkJob:
    """Return the task that submits `spark_jobs/<name>.py` on the run's folder, as part of one stage of the night.

    Each name in `settings` is passed as the job's argument of the same name.
    """
    values = load_settings()
    flags = [part for each in settings for part in (f"--{each.replace('_', '-')}", str(getattr(values, each)))]
    return SparkJob(
        task_id=name,
        application=str(REPOSITORY / "spark_jobs" / f"{name}.py"),
        application_args=["--run-folder", RUN_FOLDER, *(arguments or []), *flags],
        name=f"nightjar {name}",
        conn_id="spark_default",
        driver_memory=values.spark_driver_memory,
        conf={
            "spark.sql.shuffle.partitions": str(values.spark_partitions),
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOGGING} {values.spark_driver_java_options}",
            "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
            "spark.executorEnv.OMP_NUM_THREADS": "1",
        },
        pool=COMPUTE_POOL,
        pre_execute=only_in(of),
    )
