"""Settings of the servers that the stack starts, and of the explorer."""

from typing import Literal

from pydantic import SecretStr

from nightjar.contract.settings.field import MemorySize, Port, PositiveInt, SettingsGroup, connection


class StackSettings(SettingsGroup):
    """Stack and explorer."""

    stack_kind: Literal["local", "team"] = connection(
        "local",
        description="What `make up` starts. local: servers for DuckDB and Spark in one process; team: the programs of "
        "docker-compose.yml as processes of this machine.",
    )
    airflow_port: Port = connection(8080, basic=True, description="Loopback port of the stack's Airflow UI and API.")
    explorer_port: Port = connection(8501, description="Loopback port of the explorer, `nightjar explore`.")
    explorer_busy_seconds: PositiveInt = connection(
        15, description="Seconds that the explorer waits for a DuckDB file that is being written."
    )
    spark_master_port: Port = connection(7077, description="Loopback port of the team stack's Spark master.")
    spark_ui_port: Port = connection(
        8090, description="Loopback port of the Spark master's UI; its workers' UIs use the ports that follow."
    )
    spark_workers: PositiveInt = connection(2, description="Spark workers that the team stack starts.")
    spark_worker_cores: PositiveInt = connection(2, description="Tasks that one Spark worker runs at once.")
    spark_worker_memory: MemorySize = connection(
        "2g", description="Memory that one Spark worker gives to executors (JVM size)."
    )
    airflow_database_password: SecretStr = connection(
        SecretStr(""),
        administrative=True,
        description="Password of Airflow's role in PostgreSQL, set by `nightjar stack init-databases`.",
    )
    airflow_admin_password: SecretStr = connection(
        SecretStr(""),
        administrative=True,
        description="Password of Airflow's user `admin`, set by `nightjar stack init-airflow`.",
    )
