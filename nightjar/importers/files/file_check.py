"""Finds the options that import a file, from its beginning, and writes nothing: for `nightjar import check`."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import Table
from nightjar.importers.column_matching import known_names, required_columns
from nightjar.importers.files.file_check_result import FileCheck
from nightjar.importers.files.file_formats import format_of
from nightjar.importers.files.file_sample import cut_sample
from nightjar.importers.files.file_sample_check import Sample, read_sample
from nightjar.importers.files.input_files import find_files
from nightjar.importers.files.option_guesses import guess_options, names_in
from nightjar.importers.read_options import ReadOptions

# Dates of letters and forms; ISO 8601 and unix times need no format.
_TIME_FORMATS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y"),
    *("%d-%m-%Y %H:%M:%S", "%d-%m-%Y", "%d %b %Y %H:%M:%S", "%d-%b-%Y", "%b %d, %Y", "%m %d, %Y"),
    *("excel", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z"),
)


def check_file(
    path: Path,
    table: Table,
    typed: ReadOptions,
    layouts: Mapping[str, ReadOptions],
    now: datetime,
    max_gb: int,
) -> FileCheck:
    """Find the options that read most rows of a file.

    Args:
        path: A file, a folder, or a pattern.
        table: The raw table that it is meant for.
        typed: Options that the user typed; they are kept.
        layouts: Options of layouts to try, by name.
        now: Times after it are rejected as future.
        max_gb: Gigabytes of text that a compressed file may hold.

    Raises:
        BadInput: no options read it; names the fault and the columns that the file has.
    """
    notes: list[str] = []
    files = find_files([path], notes.append)
    file = files[0]
    form = format_of(file.path, typed)
    with tempfile.TemporaryDirectory(prefix="nightjar-check-") as folder:
        sample = Sample(table, file, form, cut_sample(file.path, form, Path(folder)), typed, now, max_gb)
        found: list[FileCheck] = []
        refusals: list[BadInput] = []
        for name, options in _candidates(sample, layouts):
            try:
                found.append(read_sample(sample, options, name))
            except BadInput as error:
                refusals.append(error)
            if found and found[-1].checked_rows and not found[-1].rejected:
                break
        best = max(found, key=lambda each: each.usable_rows, default=None)
        if best is not None:
            best = _with_time_format(sample, best)
        if best is None or not best.usable_rows:
            raise _refusal(sample, refusals, found)
    return replace(best, files=len(files), notes=[*notes, *best.notes])


def _candidates(sample: Sample, layouts: Mapping[str, ReadOptions]) -> Iterator[tuple[str | None, ReadOptions]]:
    guesses = guess_options(sample.table, sample.beginning.path, sample.form, sample.typed)
    yield None, next(guesses)
    yield from layouts.items()
    for guess in guesses:
        yield None, guess
        if "occurred_at" in required_columns(sample.table) and not _has_times(sample, guess):
            day = datetime.fromtimestamp(sample.file.path.stat().st_mtime).date()
            yield None, replace(guess, constants={**guess.constants, "occurred_at": str(day)})


def _has_times(sample: Sample, guess: ReadOptions) -> bool:
    """Return whether a guess or a column name of the file gives the time of events."""
    named = {*names_in(sample.table, sample.beginning.path, sample.form, guess)}
    own = known_names(sample.table, guess)
    return "occurred_at" in {*guess.columns, *guess.constants, *(own[name] for name in named & own.keys())}


def _with_time_format(sample: Sample, found: FileCheck) -> FileCheck:
    """Return the check with the time format that reads most rows, where more than a tenth of the rows has no time."""
    is_plain = found.options.time_format is None and found.options.time_unit is None and found.layout is None
    bad_times = sum(rows for reason, rows in found.rejected.items() if "occurred_at" in reason)
    if not is_plain or bad_times * 10 <= found.checked_rows:
        return found
    tried = [read_sample(sample, replace(found.options, time_format=each), None) for each in _TIME_FORMATS]
    best = max(tried, key=lambda each: each.usable_rows)
    if best.usable_rows <= found.usable_rows:
        return found
    others = [str(each.options.time_format) for each in tried if each.usable_rows == best.usable_rows and each != best]
    doubt = f"the time format: {best.options.time_format} fits, and so does {' and '.join(others)}"
    return replace(best, open_questions=[*best.open_questions, *([doubt] if others else [])])


def _refusal(sample: Sample, refusals: list[BadInput], found: list[FileCheck]) -> BadInput:
    path = sample.file.path
    if found and found[0].rejected:
        reason = next(iter(found[0].rejected))
        return BadInput(
            f"{path} has no usable row in its beginning; the most frequent reason: {reason}",
            code="no_usable_rows",
            file=path,
            reason=reason,
        )
    first = refusals[0] if refusals else BadInput(f"{path} holds no rows", code="no_rows", file=path)
    message = str(first).replace(str(sample.beginning.path), str(path))
    names = names_in(sample.table, sample.beginning.path, sample.form, sample.typed)
    missing = f"; it has the columns {', '.join(names[:30])}" if names and not first.fields.get("unknown") else ""
    return BadInput(f"{message}{missing}", code=first.code, **{**first.fields, "file": path})
