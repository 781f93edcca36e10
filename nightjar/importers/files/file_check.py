"""Finds out how a file would be imported, from its beginning, and writes nothing: for `nightjar import check`."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import Table
from nightjar.importers.columns import known_names, obligatory
from nightjar.importers.files.file_sample import FileSample, cut_sample, estimated_rows
from nightjar.importers.files.file_set import NamedFile, find_files
from nightjar.importers.files.named_file import Format, format_of, read_named_file
from nightjar.importers.files.option_guesses import guess_options, names_in
from nightjar.importers.files.read_rows import Reading, ReadRows, sources_of
from nightjar.importers.loading import rejected_rows
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values.odd_rows import note_odd_rows

SHOWN_ROWS = 5
# Dates of letters and forms; ISO 8601 and unix times need no format.
_TIME_FORMATS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y"),
    *("%d-%m-%Y %H:%M:%S", "%d-%m-%Y", "%d %b %Y %H:%M:%S", "%d-%b-%Y", "%b %d, %Y", "%m %d, %Y"),
    *("excel", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z"),
)


@dataclass(frozen=True)
class FileCheck:
    """How one file would be imported.

    Attributes:
        file: As the person named it, or the first of a folder or pattern.
        files: How many there are.
        form: Text, JSON or Parquet.
        options: With which it can be read.
        layout: The name of the layout that says so, if one does.
        columns: Column of the contract to the file's name of it.
        constants: Column of the contract to what every row has.
        left_out: Columns of the file that are not read.
        estimated_rows: In this file, where that can be told.
        checked_rows: Rows of the sample, rejected ones included.
        rejected: Reason to number of rows, the commonest first.
        shown: The first accepted rows, by column.
        event_types: Type to number of rows.
        time_kinds: How `occurred_at` is written to number of rows: a unit, text with or without a zone, or others.
        first_time: The earliest `occurred_at` of the sample.
        last_time: The latest.
        notes: What the readers found out.
        unsure: What only a person can know.
    """

    file: Path
    files: int
    form: Format
    options: ReadOptions
    layout: str | None
    columns: Mapping[str, str]
    constants: Mapping[str, str | None]
    left_out: list[str]
    estimated_rows: int | None
    checked_rows: int
    rejected: dict[str, int]
    shown: list[dict[str, Any]]
    event_types: dict[str, int] = field(default_factory=dict)
    time_kinds: dict[str, int] = field(default_factory=dict)
    first_time: datetime | None = None
    last_time: datetime | None = None
    notes: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)

    @property
    def has_time_of_day(self) -> bool:
        """Whether some of the rows shown are of another time than midnight."""
        times = [row["occurred_at"] for row in self.shown if isinstance(row.get("occurred_at"), datetime)]
        return any((each.hour, each.minute, each.second) != (0, 0, 0) for each in times)

    @property
    def usable_rows(self) -> int:
        """Rows of the sample that would be imported."""
        return self.checked_rows - sum(self.rejected.values())


@dataclass(frozen=True)
class _Question:
    """What is tried: the sample of which file, for which table, with what a person said of it."""

    table: Table
    file: NamedFile
    form: Format
    sample: FileSample
    typed: ReadOptions
    now: datetime
    max_gb: int


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
        typed: What the person said of it; it is kept.
        layouts: Others to try, by name.
        now: Later times lie in the future.
        max_gb: Gigabytes of text that a packed file may hold.

    Raises:
        BadInput: nothing reads it; the line says what is wrong, and which columns it has.
    """
    notes: list[str] = []
    files = find_files([path], notes.append)
    file = files[0]
    form = format_of(file.path, typed)
    with tempfile.TemporaryDirectory(prefix="nightjar-check-") as folder:
        question = _Question(table, file, form, cut_sample(file.path, form, Path(folder)), typed, now, max_gb)
        found: list[FileCheck] = []
        refusals: list[BadInput] = []
        for name, options in _candidates(question, layouts):
            try:
                found.append(_try(question, options, name))
            except BadInput as error:
                refusals.append(error)
            if found and found[-1].checked_rows and not found[-1].rejected:
                break
        best = max(found, key=lambda each: each.usable_rows, default=None)
        if best is not None:
            best = _with_time_format(question, best)
        if best is None or not best.usable_rows:
            raise _refusal(question, refusals, found)
    return replace(best, files=len(files), notes=[*notes, *best.notes])


def _candidates(question: _Question, layouts: Mapping[str, ReadOptions]) -> Iterator[tuple[str | None, ReadOptions]]:
    guesses = guess_options(question.table, question.sample.path, question.form, question.typed)
    yield None, next(guesses)
    yield from layouts.items()
    for guess in guesses:
        yield None, guess
        if "occurred_at" in obligatory(question.table) and not _has_times(question, guess):
            day = datetime.fromtimestamp(question.file.path.stat().st_mtime).date()
            yield None, replace(guess, constants={**guess.constants, "occurred_at": str(day)})


def _has_times(question: _Question, guess: ReadOptions) -> bool:
    """Return whether a guess, or the file by a name of its own, says when events were, be it badly."""
    named = {*names_in(question.table, question.sample.path, question.form, guess)}
    own = known_names(question.table, guess)
    return "occurred_at" in {*guess.columns, *guess.constants, *(own[name] for name in named & own.keys())}


def _with_time_format(question: _Question, found: FileCheck) -> FileCheck:
    """Return the check with the format that reads most times, where without one a row in ten has none."""
    is_plain = found.options.time_format is None and found.options.time_unit is None and found.layout is None
    bad_times = sum(rows for reason, rows in found.rejected.items() if "occurred_at" in reason)
    if not is_plain or bad_times * 10 <= found.checked_rows:
        return found
    tried = [_try(question, replace(found.options, time_format=each), None) for each in _TIME_FORMATS]
    best = max(tried, key=lambda each: each.usable_rows)
    if best.usable_rows <= found.usable_rows:
        return found
    others = [str(each.options.time_format) for each in tried if each.usable_rows == best.usable_rows and each != best]
    doubt = f"the time format: {best.options.time_format} fits, and so does {' and '.join(others)}"
    return replace(best, unsure=[*best.unsure, *([doubt] if others else [])])


def _try(question: _Question, options: ReadOptions, layout: str | None) -> FileCheck:
    table, file, sample = question.table, question.file, question.sample
    notes: list[str] = []
    beginning = replace(file, path=sample.path)
    with duckdb.connect() as connection, tempfile.TemporaryDirectory(prefix="nightjar-check-") as folder:
        connection.execute("set TimeZone = 'UTC'")
        reading = Reading(connection, table, options, question.max_gb, notes.append)
        rows = read_named_file(reading, beginning, Path(folder), "sample")
        (source,) = sources_of(reading, [rows])
        notes += [str(notice) for notice in check(connection, source, question.now)]
        accepted = f"{source.checked} where reason is null"
        rejected = connection.execute(
            f"select reason, count(*) as rows from ({rejected_rows(source)}) group by reason order by rows desc, reason"
        ).fetchall()
        usable = connection.execute(f"select count(*) from {accepted}").fetchall()[0][0]
        checked_rows = usable + sum(count for _, count in rejected)
        shown = connection.execute(
            f"select {', '.join(source.columns)} from {accepted} order by line limit {SHOWN_ROWS}"
        )
        result = FileCheck(
            file.path,
            1,
            question.form,
            options,
            layout,
            rows.match.names,
            rows.match.constants,
            rows.match.left_out,
            estimated_rows(file.path, sample, checked_rows),
            checked_rows,
            dict(rejected),
            [dict(zip(source.columns, row, strict=True)) for row in shown.fetchall()],
        )
        if table.name == "interactions" and usable:
            types = f"select event_type, count(*) as rows from {accepted} group by all order by rows desc, 1 limit 20"
            first, last = connection.execute(f"select min(occurred_at), max(occurred_at) from {accepted}").fetchall()[0]
            kinds = f"select occurred_at_kind, count(*) from {accepted} group by all order by 2 desc, 1"
            note_odd_rows(connection, source, notes.append)
            result = replace(
                result,
                event_types=dict(connection.execute(types).fetchall()),
                time_kinds=dict(connection.execute(kinds).fetchall()),
                first_time=first,
                last_time=last,
            )
    named = [note.replace(str(sample.path), str(file.path)) for note in notes if "left out" not in note]
    return replace(result, notes=named, unsure=_unsure(table, rows, options, result, layout))


def _unsure(table: Table, rows: ReadRows, options: ReadOptions, found: FileCheck, layout: str | None) -> list[str]:
    if layout is not None:
        return []
    unsure = []
    guessed = [column for column, name in rows.match.names.items() if column != name and column in obligatory(table)]
    if options.header is False:
        fields = ", ".join(f"{rows.match.names[column]} is {column}" for column in guessed)
        unsure.append(f"the first line names no columns: see whether field {fields}")
    if options.encoding and options.encoding != "utf-16":
        unsure.append(f"the encoding: {options.encoding} fits, others may too; see whether names look right")
    # A date alone says no time of day, so that a zone would hardly change it.
    has_local_times = found.time_kinds.keys() & {"local", "datetime", "datetime_ms", "format"} and found.has_time_of_day
    if has_local_times and options.time_zone is None and not (options.time_format or "").endswith("%z"):
        unsure.append(
            "the zone of the times, which say none: UTC is taken; else add --time-zone, such as Europe/Berlin"
        )
    if "occurred_at" in options.constants:
        unsure.append("when the events were: no column of times was found; put the right date after --set occurred_at=")
    return unsure


def _refusal(question: _Question, refusals: list[BadInput], found: list[FileCheck]) -> BadInput:
    path = question.file.path
    if found and found[0].rejected:
        reason = next(iter(found[0].rejected))
        return BadInput(
            f"{path} has no usable row in its beginning; the commonest reason: {reason}",
            code="no_usable_rows",
            file=path,
            reason=reason,
        )
    first = refusals[0] if refusals else BadInput(f"{path} holds no rows", code="no_rows", file=path)
    message = str(first).replace(str(question.sample.path), str(path))
    names = names_in(question.table, question.sample.path, question.form, question.typed)
    missing = f"; it has the columns {', '.join(names[:30])}" if names and not first.fields.get("unknown") else ""
    return BadInput(f"{message}{missing}", code=first.code, **{**first.fields, "file": path})
