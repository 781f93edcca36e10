"""Named points of the code at which a test kills the process: before, in the middle of and after each write.

Without the variable they do nothing. tests/reliability reads their names from the code, so a new one is tried too.
"""

import os
import signal

# No setting: nobody who runs nights may want it, and `nightjar settings` does not list it.
VARIABLE = "_NIGHTJAR_KILLED_AT"


def reached(point: str) -> None:
    """Die here, as by a power cut, when the variable names the point; `point#3` is the third time it is reached."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, times = wanted.partition("#")
    if name != point:
        return
    _reached.append(point)
    if len(_reached) == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)


_reached: list[str] = []
