"""Reads one delimited text file that a user names for one raw table."""

from pathlib import Path

from nightjar.importers.column_matching import match_columns
from nightjar.importers.files.delimited_text import read_delimited
from nightjar.importers.files.file_rows import FileRows, ReadContext, check_partition_values, selected
from nightjar.importers.files.input_files import InputFile
from nightjar.importers.files.text_format import TextFormat
from nightjar.importers.files.text_header import encoding_of, read_header
from nightjar.importers.files.text_survey import survey_text

SUFFIX_DELIMITERS = {
    ".csv": ",",
    ".tsv": "\t",
    ".tab": "\t",
    **dict.fromkeys((".inter", ".item", ".user", ".kg", ".net"), "\t"),
}
_SHOWN = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", "::": "two colons"}


def read_text_file(reading: ReadContext, file: InputFile, path: Path, suffix: str, name: str) -> FileRows:
    """Read a delimited text file into the relations of `name`.

    Args:
        reading: Where to, for which table, and how it is written.
        file: As the user named it.
        path: Where its text lies, plain or gzip.
        suffix: Of the text, in lower case.
        name: Of the view of the rows, and the beginning of the names of its tables.

    Raises:
        BadInput: it is written differently, its columns are wrong, or it holds more than it may.
    """
    connection, table, options = reading.connection, reading.table, reading.options
    survey = survey_text(path, reading.max_gb)
    encoding = encoding_of(str(file.path), options, survey)
    header = read_header(table, path, options, encoding, SUFFIX_DELIMITERS.get(suffix))
    match = match_columns(table, header.names, str(file.path), options, file.partition)
    if header.is_detected:
        reading.note(f"{file.path}: fields are delimited by {_SHOWN.get(header.delimiter, header.delimiter)}")
    if survey.encoding and not options.encoding:
        reading.note(f"{file.path}: read as {survey.encoding.upper()}")
    fields = tuple(f"field_{place}" for place in range(len(header.names)))
    quote = '"' if options.quote is None else options.quote
    text_format = TextFormat(fields, header.delimiter, quote, options.header is not False, encoding, options.escape)
    read_delimited(connection, path, text_format, f"{name}_text", survey)
    values = {column: fields[header.names.index(given)] for column, given in match.names.items()}
    # A blank line of a file with one column reads as a row without a value.
    blank = f" where {fields[0]} is not null" if len(fields) == 1 else ""
    rows = FileRows(name, file, match, unread=f"{name}_text_unread")
    connection.execute(f"create temp view {name} as {selected(values, match)} from {name}_text{blank}")
    check_partition_values(connection, rows)
    return rows
