"""Checks that a Spark master answers: Spark itself retries for a minute and logs pages.

Used before a job is submitted, and by trainings on Spark.
"""

import re
import socket

from nightjar.contract.errors import NightjarError

_SCHEME = "spark://"
_SECONDS = 10.0
_ADDRESS = re.compile(r"(?P<host>[^:,]+):(?P<port>\d+)")


def check_master(url: str) -> None:
    """Check that a standalone master of the URL takes connections; other masters run in the job's own process.

    Args:
        url: as `NIGHTJAR_SPARK_MASTER`; several masters, one of them the leader, are `spark://host1:7077,host2:7077`.

    Raises:
        NightjarError: none of them answers.
    """
    if not url.startswith(_SCHEME):
        return
    reasons = []
    for address in _ADDRESS.finditer(url.removeprefix(_SCHEME)):
        try:
            socket.create_connection((address["host"], int(address["port"])), _SECONDS).close()
        except OSError as error:
            reasons.append(str(error))
        else:
            return
    raise NightjarError(
        f"NIGHTJAR_SPARK_MASTER={url}: no Spark master answers ({'; '.join(reasons)})",
        code="spark_master_unreachable",
        setting="NIGHTJAR_SPARK_MASTER",
        value=url,
    )
