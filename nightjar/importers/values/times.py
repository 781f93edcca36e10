"""SQL that reads the times of files: what is certain becomes an instant, what is not stays null.

A time is read in steps, each an expression over the one before: its shape (`time_forms`), its number and its kind
(`time_kinds`), and its instant (`time_instants`). `doubtful_times` explains why a time was not read.
"""

from dataclasses import dataclass

from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.time_forms import plain_iso, plain_shape, shape_of
from nightjar.importers.values.time_instants import instant_of, local_time_of
from nightjar.importers.values.time_kinds import kind_of, number_of


@dataclass(frozen=True)
class TimeSteps:
    """SQL of the steps over `name`, a trimmed text: each may use the columns of those before it."""

    shape: str
    number: str
    fraction: str
    written: str
    kind: str
    local: str
    instant: str


def time_steps(text: str, prefix: str, options: ReadOptions, *, is_float: bool = False) -> TimeSteps:
    """Return the steps for a column.

    Args:
        text: SQL of the trimmed text.
        prefix: The steps before are the columns `{prefix}_plain_shape`, `{prefix}_shape`, `{prefix}_number` and so on.
        options: Format, unit and zone of the times.
        is_float: Whether the file types the column as binary floats, so that no digit was rounded away.
    """
    shape, number, fraction, written, kind, local = (
        f"{prefix}_{step}" for step in ("shape", "number", "fraction", "written", "kind", "local")
    )
    return TimeSteps(
        shape=shape_of(text, f"{prefix}_plain_shape", options),
        number=number_of(text, shape, is_float),
        fraction=f"case when {shape} = 'number' then try_cast({text} as double) - {number} end",
        written=f"case {shape} when 'iso' then {text} when 'loose' then {plain_iso(text)} end",
        kind=kind_of(text, shape, number, written, options),
        local=local_time_of(text, kind, number, written, options),
        instant=instant_of(text, kind, number, fraction, written, local, options),
    )


def instant(text: str, options: ReadOptions) -> str:
    """Return SQL that reads a trimmed text as an instant, in one expression."""
    nested = time_steps(text, "step", options)
    inner = f"select {plain_shape(text)} as step_plain_shape"
    for step in ("shape", "number", "fraction", "written", "kind", "local"):
        inner = f"select *, {getattr(nested, step)} as step_{step} from ({inner})"
    return f"(select {nested.instant} from ({inner}))"
