"""Matches the columns of a file with those of its raw table: allowed, required, and the defaults of missing ones.

Everything is derived from the contract in `nightjar.contract.tables`. The readers match before they read a row: a file
with wrong columns is refused whole, and every difference is reported at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import RAW, Table
from nightjar.importers.files.column_guesses import guess_columns
from nightjar.importers.read_options import ReadOptions

# Vectors have files and a command of their own: `nightjar.importers.import_vectors`.
_OTHERS = ("rejected_rows", "event_weights", "item_vectors", "user_vectors")
IMPORTABLE = {table.name: table for table in RAW if table.name not in _OTHERS}

_INSTANTS = ("occurred_at", "shown_at")
_ALIASES = (
    ("user", "user_id"),
    ("item", "item_id"),
    ("event", "event_type"),
    ("rating", "value"),
    *((alias, instant) for alias in ("time", "timestamp", "ts") for instant in _INSTANTS),
)

TEXT_DEFAULTS = {"event_type": "interaction", "domain": "default", "variant": "default", "weight": "1"}
"""Values of an empty cell or a missing column."""

# Code and wording of each fault; the error gets the code of the first.
_FAULTS = {"missing_columns": "lacks", "unknown_column": "has the unknown", "repeated_column": "gives twice the"}
_COMPUTED = ("event_id", "exposure_id", "ingested_at", "recorded_at")


@dataclass(frozen=True)
class ColumnMatch:
    """Which column of one file is which of the contract.

    Attributes:
        names: Column of the contract to the file's name of it.
        constants: Column of the contract to the value of every row, from options or folders; None for no value.
        partition_values: Column of the contract to its value in a folder name, where the file has the column too.
        left_out: Names in the file, and keys of its folders, that are not read.
        text_defaults: Values of missing texts.
    """

    names: dict[str, str]
    constants: dict[str, str | None]
    partition_values: dict[str, str | None]
    left_out: list[str]
    text_defaults: dict[str, str] = field(default_factory=lambda: dict(TEXT_DEFAULTS))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the contract that the file gives."""
        return (*self.names, *self.constants)


def required_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that a file of this table must have."""
    return tuple(
        column.name
        for column in table.columns
        if not column.nullable and column.name not in TEXT_DEFAULTS and column.name not in _COMPUTED
    )


def aliases(table: Table) -> dict[str, str]:
    """Return the other names under which a file may give this table's columns."""
    return {alias: column for alias, column in _ALIASES if column in table.column_names}


def known_names(table: Table, options: ReadOptions) -> dict[str, str]:
    """Return every name that a file may use for a column, by options and contract, and that column."""
    named = {name: column for column, name in options.columns.items()}
    settled = {*options.columns, *options.constants}
    own = {**aliases(table), **{column: column for column in table.column_names}}
    return {**{name: column for name, column in own.items() if column not in settled and name not in named}, **named}


def match_columns(
    table: Table,
    names: Sequence[str],
    file: str,
    options: ReadOptions | None = None,
    partition: Mapping[str, str | None] | None = None,
) -> ColumnMatch:
    """Find for each column of the contract its name in the file, or its value in options and folder names.

    Args:
        table: The raw table that the file is meant for.
        names: Of the file's columns.
        file: Its name in errors.
        options: How the file is written.
        partition: Of the folders above the file, key to value.

    Raises:
        BadInput: columns are missing, unknown, or given twice; the line names the file and all of them.
    """
    options, folders = options or ReadOptions(), partition or {}
    _require_contract(table, options)
    own = {**aliases(table), **{column: column for column in table.column_names}}
    in_file = _given(own, names, options)
    in_folders = {column: given[0] for column, given in _given(own, list(folders), options).items()}
    # A column that the options name takes precedence; a folder with a value for it is compared with it.
    partition_values = {column: folders[key] for column, key in in_folders.items() if column in in_file}
    constants = {column: folders[key] for column, key in in_folders.items() if column not in in_file}
    constants |= options.constants
    others = [name for name in dict.fromkeys(names) if not any(name in given for given in in_file.values())]
    absent = [name for column, name in options.columns.items() if column not in {*in_file, *in_folders}]
    lacking = [column for column in required_columns(table) if column not in {*in_file, *constants}]
    concerned = {
        "missing_columns": [*absent, *(column for column in lacking if column not in options.columns)],
        "unknown_column": [] if options.ignores_other_columns else others,
        "repeated_column": [column for column, given in in_file.items() if len(given) > 1],
    }
    faults = [fault for code, columns in concerned.items() for fault in _listed(_FAULTS[code], columns)]
    if faults:
        code = next(code for code, columns in concerned.items() if columns)
        advice = _advice(table, [*names, *folders], options, lacking, others)
        raise BadInput(
            f"{file} {' and '.join(faults)}; {table.full_name} takes {', '.join(table.column_names)}"
            f" (the first line of a CSV names them){advice}",
            code=code,
            file=file,
            table=table.full_name,
            column=concerned[code][0],
            columns=concerned[code],
            unknown=concerned["unknown_column"],
            repeated=concerned["repeated_column"],
        )
    found = {column: given[0] for column, given in in_file.items()}
    rated = {"event_type": "rating"} if found.get("value") == "rating" else {}
    left_out = [*others, *(key for key in folders if key not in in_folders.values())]
    return ColumnMatch(found, constants, partition_values, left_out, {**TEXT_DEFAULTS, **rated})


def _given(own: Mapping[str, str], names: Sequence[str], options: ReadOptions) -> dict[str, list[str]]:
    """Return column of the contract to its names in the file; a name from the options is the only one."""
    given: dict[str, list[str]] = {column: [name] for column, name in options.columns.items() if name in names}
    taken = {*options.columns.values()}
    for name in names:
        column = own.get(name)
        if column and name not in taken and column not in options.columns and column not in options.constants:
            given.setdefault(column, []).append(name)
    return given


def _require_contract(table: Table, options: ReadOptions) -> None:
    strangers = [column for column in (*options.columns, *options.constants) if column not in table.column_names]
    if strangers:
        raise BadInput(
            f"the options name {_listed('the', strangers)[0]}, which {table.full_name} does not have:"
            f" it takes {', '.join(table.column_names)}",
            code="unknown_column",
            table=table.full_name,
            column=strangers[0],
            columns=strangers,
        )
    both = [column for column in options.columns if column in options.constants]
    if both:
        raise BadInput(
            f"the options give {both[0]} both a column of the file and a constant: expected one of the two",
            code="column_and_constant",
            table=table.full_name,
            column=both[0],
        )


def _advice(
    table: Table, names: Sequence[str], options: ReadOptions, lacking: Sequence[str], others: Sequence[str]
) -> str:
    """Return options that may help; nothing where nothing can be guessed."""
    guessed = guess_columns(table, [*others, *(name for name in names if name not in others)], lacking)
    advice = []
    if guessed:
        pairs = {**options.columns, **guessed}
        advice.append("--columns " + ",".join(f"{column}={name}" for column, name in pairs.items()))
    if [name for name in others if name not in guessed.values()] and not options.ignores_other_columns:
        advice.append("--ignore-other-columns")
    if not advice or len(guessed) < len(lacking):
        return ""
    return f"; if it fits, add {' '.join(advice)}"


def _listed(fault: str, columns: list[str]) -> list[str]:
    shown = ", ".join(column[:60] if column.isidentifier() else repr(column[:60]) for column in columns[:20])
    return [f"{fault} column{'s' if len(columns) > 1 else ''} {shown}"] if columns else []
