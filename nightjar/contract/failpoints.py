"""Failpoints: places in the code at which a test kills the process, before, in the middle of and after each write.

Without the variable they do nothing. tests/reliability reads their names from the code, so it tries a new one too.
"""

import os
import signal

# No setting: no operator needs it, and `nightjar settings` does not list it.
VARIABLE = "_NIGHTJAR_KILLED_AT"


def failpoint(name: str) -> None:
    """Die here, as by a power cut, when the variable holds the name; `name#3` is the third time it is passed."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    chosen, _, times = wanted.partition("#")
    if chosen != name:
        return
    _passed.append(name)
    if len(_passed) == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)


_passed: list[str] = []
