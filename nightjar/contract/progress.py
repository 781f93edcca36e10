"""One line a stage for the operator, and the same as a record in the run folder."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from nightjar.contract.errors import NightjarError
from nightjar.contract.run_folder import RunFolder

MARK = "[nightjar]"
# The line of `error_line`, as whoever starts a command reads it.
ERROR_LINE = re.compile(
    rf"{re.escape(MARK)} error \((?P<exit_code>\d)(?:, (?P<code>[a-z0-9_]+))?\): (?P<reason>.*)$", re.MULTILINE
)


def error_line(error: NightjarError) -> str:
    """Return the one line in which a command that does not succeed gives its exit code, the error's code and reason."""
    code = f", {error.code}" if error.code else ""
    return f"{MARK} {error.word} ({error.exit_code}{code}): {' '.join(str(error).split())}"


@dataclass
class StageProgress:
    """What one stage has done so far.

    Attributes:
        stage: its name.
        rows: how much it did.
        unit: what `rows` counts.
        shows_rows: whether its last line says the number, or the unit alone.
        doing: what it is at.
        started: when it began, seconds of the monotonic clock.
        printed: when it printed its last line, on the same clock.
    """

    stage: str
    rows: int = 0
    unit: str = "rows"
    shows_rows: bool = True
    doing: str = ""
    started: float = field(default_factory=time.monotonic)
    printed: float = field(default_factory=time.monotonic)

    def say(self, message: str) -> None:
        """Print one progress line."""
        print(f"{MARK} {self.stage}: {message}", flush=True)

    def pulse(self, message: str, every_seconds: float = 5.0) -> None:
        """Print one progress line, unless the last one is too recent: long work logs, short work does not."""
        if time.monotonic() - self.printed >= every_seconds:
            self.printed = time.monotonic()
            self.say(message)


@contextmanager
def stage(folder: RunFolder | None, name: str) -> Iterator[StageProgress]:
    """Time one stage; at its end print rows, seconds and rate, and append the record to the run folder."""
    progress = StageProgress(name)
    yield progress
    seconds = time.monotonic() - progress.started
    if progress.shows_rows:
        rate = f", {progress.rows / seconds:,.0f} {progress.unit}/s" if progress.rows and seconds > 0 else ""
        progress.say(f"{progress.rows:,} {progress.unit} in {seconds:.1f} s{rate}")
    else:
        progress.say(f"{progress.unit} in {seconds:.1f} s")
    if folder is not None:
        line = {"stage": name, "rows": progress.rows, "unit": progress.unit, "seconds": round(seconds, 3)}
        with folder.progress.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
