"""Settings of the Spark jobs and their cluster."""

import re

from pydantic import field_validator

from nightjar.contract.settings.field import MemorySize, PositiveInt, SettingsGroup, connection

_ADDRESS = r"[A-Za-z0-9.-]+:[0-9]{1,5}"
_MASTER = re.compile(rf"local(\[(\*|[1-9][0-9]*)(,[1-9][0-9]*)?\])?|spark://{_ADDRESS}(,{_ADDRESS})*")


class SparkSettings(SettingsGroup):
    """Spark."""

    spark_master: str = connection(
        "local[2]", basic=True, description="Spark master: `local[CORES]`, or `spark://host:7077` for a cluster."
    )
    spark_driver_memory: MemorySize = connection(
        "2g", basic=True, description="Memory of the Spark driver (JVM size, such as 2g)."
    )
    spark_driver_java_options: str = connection(
        # Below the size of its classes the JVM collects all garbage whenever some hundred more are loaded; with one
        # level it has space for the code of two jobs, and interprets what follows.
        "-XX:TieredStopAtLevel=1 -XX:MetaspaceSize=384m -XX:ReservedCodeCacheSize=240m",
        description="JVM options of the Spark driver. The default halves the start-up time; empty suits large data.",
    )
    spark_executor_memory: MemorySize = connection(
        "1g", description="Memory of an executor's JVM on a cluster (JVM size); its Python processes take more."
    )
    spark_partitions: PositiveInt = connection(4, description="Shuffle partitions of the Spark jobs.")

    @field_validator("spark_master")
    @classmethod
    def _known_master(cls, master: str) -> str:
        if not _MASTER.fullmatch(master):
            raise ValueError("expected local[CORES], local[*] or spark://host:port")
        return master
