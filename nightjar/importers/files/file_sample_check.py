"""Reads the beginning of a file with one set of options and checks its rows."""

import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from nightjar.contract.tables import Table
from nightjar.importers.column_matching import required_columns
from nightjar.importers.files.file_check_result import FileCheck
from nightjar.importers.files.file_formats import Format, read_named_file
from nightjar.importers.files.file_rows import FileRows, ReadContext, sources_of
from nightjar.importers.files.file_sample import FileSample, estimated_rows
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.loading import rejected_rows
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values.odd_rows import note_odd_rows

SHOWN_ROWS = 5


@dataclass(frozen=True)
class Sample:
    """The beginning of a file, and how it is to be read: for which table, with which typed options."""

    table: Table
    file: InputFile
    form: Format
    beginning: FileSample
    typed: ReadOptions
    now: datetime
    max_gb: int


def read_sample(sample: Sample, options: ReadOptions, layout: str | None) -> FileCheck:
    """Read a sample with these options and check its rows.

    Raises:
        BadInput: the options do not fit the file.
    """
    table, file = sample.table, sample.file
    notes: list[str] = []
    beginning = replace(file, path=sample.beginning.path)
    with duckdb.connect() as connection, tempfile.TemporaryDirectory(prefix="nightjar-check-") as folder:
        connection.execute("set TimeZone = 'UTC'")
        reading = ReadContext(connection, table, options, sample.max_gb, notes.append)
        rows = read_named_file(reading, beginning, Path(folder), "sample")
        (source,) = sources_of(reading, [rows])
        notes += [str(notice) for notice in check(connection, source, sample.now)]
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
            sample.form,
            options,
            layout,
            rows.match.names,
            rows.match.constants,
            rows.match.left_out,
            estimated_rows(file.path, sample.beginning, checked_rows),
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
    named = [note.replace(str(sample.beginning.path), str(file.path)) for note in notes if "left out" not in note]
    return replace(result, notes=named, open_questions=_open_questions(table, rows, options, result, layout))


def _open_questions(
    table: Table, rows: FileRows, options: ReadOptions, found: FileCheck, layout: str | None
) -> list[str]:
    if layout is not None:
        return []
    questions = []
    guessed = [
        column for column, name in rows.match.names.items() if column != name and column in required_columns(table)
    ]
    if options.header is False:
        fields = ", ".join(f"{rows.match.names[column]} is {column}" for column in guessed)
        questions.append(f"the first line names no columns: check that field {fields}")
    if options.encoding and options.encoding != "utf-16":
        questions.append(f"the encoding: {options.encoding} fits, others may too; check that names look right")
    # A zone hardly changes a date without a time of day.
    has_local_times = found.time_kinds.keys() & {"local", "datetime", "datetime_ms", "format"} and found.has_time_of_day
    if has_local_times and options.time_zone is None and not (options.time_format or "").endswith("%z"):
        questions.append(
            "the time zone, which the times do not name: read as UTC; else add --time-zone, such as Europe/Berlin"
        )
    if "occurred_at" in options.constants:
        questions.append(
            "when the events were: no column of times was found; put the right date after --set occurred_at="
        )
    return questions
