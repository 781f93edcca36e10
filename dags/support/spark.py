"""Tasks that launch a Spark job with spark-submit."""

from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

from dags.support.run import COMPUTE_POOL, RUN_FOLDER
from warehouse.settings import REPOSITORY, load_settings

LOGGING = (REPOSITORY / "spark_jobs" / "log4j2.properties").as_uri()


def spark_job(name: str, *settings: str, arguments: list[str] | None = None, **kwargs: Any) -> SparkSubmitOperator:
    """Return the task that submits `spark_jobs/<name>.py` on the run's folder.

    Each name in `settings` is passed as the job's argument of the same name.
    """
    values = load_settings()
    flags = [part for each in settings for part in (f"--{each.replace('_', '-')}", str(getattr(values, each)))]
    return SparkSubmitOperator(
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
        **kwargs,
    )
