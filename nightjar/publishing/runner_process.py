"""Which process runs an attempt without a scheduler, and whether it still exists.

Under a scheduler this is not used: Airflow itself fails the tasks whose process has ended.
"""

import socket

import psutil

# A correction of the clock moves the start time that the system reports of a process.
_TOLERANCE_SECONDS = 5.0


def this_process() -> str:
    """Return host, process id and start of this process: no other process ever has the same three."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.0f}"


def has_died(runner: str | None) -> bool:
    """Return whether a process is known to have ended; a process of another host never is."""
    host, pid, started = _parts(runner)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(pid)
        is_another: bool = abs(process.create_time() - started) > _TOLERANCE_SECONDS
        return is_another or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def death_reason(runner: str) -> str:
    """Return the reason of an attempt whose process has ended."""
    host, pid, _ = _parts(runner)
    return (
        f"nightjar run (pid {pid} on {host}) ended without an error message: it was killed, memory ran out, or the "
        "machine went down; run the date again"
    )


def _parts(runner: str | None) -> tuple[str, int, float]:
    host, _, rest = (runner or "").partition(":")
    pid, _, started = rest.partition(":")
    return (host, int(pid), float(started)) if pid.isdigit() else ("", 0, 0.0)
