"""One layout: how the files of a data set are written, table by table, read from TOML and checked.

A file has `description`, `source` (where the data comes from) and one section for each raw table with the fields of
`ReadOptions` and `files`, patterns of the names that such files have.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from nightjar.contract.errors import BadInput
from nightjar.importers.column_matching import IMPORTABLE
from nightjar.importers.read_options import ReadOptions, TimeUnit

_TEXTS = ("delimiter", "quote", "escape", "encoding", "time_format", "time_zone")
_FLAGS = ("header", "ignores_other_columns", "decimal_comma")
_MAPPINGS = ("columns", "constants")
_KEYS = ("files", *(field.name for field in fields(ReadOptions)))


@dataclass(frozen=True)
class LayoutTable:
    """How the files of one raw table are written, and what they are usually called, as patterns."""

    options: ReadOptions
    files: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """How the files of one data set are written.

    Attributes:
        name: As `--layout` takes it.
        description: What the data set is, and what is odd about it; one line.
        source: Where it comes from.
        tables: By name of the raw table without its schema.
    """

    name: str
    description: str
    source: str
    tables: Mapping[str, LayoutTable]

    @property
    def options(self) -> dict[str, ReadOptions]:
        """How the files of each raw table are written."""
        return {name: table.options for name, table in self.tables.items()}


def read_layout(path: Path) -> Layout:
    """Read a layout.

    Raises:
        BadInput: the file is none; the line names the file, the key, and what was expected.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} is no readable layout: {error}", code="unreadable_file", file=path) from error
    texts = {name: _text(path, name, content.pop(name, "")) for name in ("description", "source")}
    if unknown := [name for name in content if name not in IMPORTABLE]:
        raise BadInput(
            f"{path}: {unknown[0]} is unknown: expected description, source, or a section of"
            f" {', '.join(f'[{name}]' for name in IMPORTABLE)}",
            code="unknown_key",
            file=path,
            key=unknown[0],
        )
    if not content:
        raise BadInput(f"{path} has no section: expected one such as [interactions]", code="missing_section", file=path)
    tables = {name: _table(path, name, section) for name, section in content.items()}
    return Layout(path.stem, texts["description"], texts["source"], tables)


def _table(path: Path, name: str, section: Any) -> LayoutTable:
    if not isinstance(section, dict):
        raise BadInput(
            f"{path}: {name} is {section!r}: expected a section [{name}]",
            code="wrong_type",
            file=path,
            key=name,
            value=section,
        )
    values = {key: _value(path, f"{name}.{key}", key, value) for key, value in section.items()}
    for key in _MAPPINGS:
        for column in values.get(key, {}):
            if column not in IMPORTABLE[name].column_names:
                known = ", ".join(IMPORTABLE[name].column_names)
                raise BadInput(
                    f"{path}: {name}.{key}.{column} is no column of raw.{name}: expected {known}",
                    code="unknown_column",
                    file=path,
                    key=f"{name}.{key}",
                    column=column,
                )
    files = values.pop("files", ())
    return LayoutTable(ReadOptions(**values), files)


def _value(path: Path, where: str, key: str, value: Any) -> Any:
    if key in _TEXTS:
        return _text(path, where, value)
    if key in _FLAGS:
        if isinstance(value, bool):
            return value
        raise BadInput(
            f"{path}: {where} is {value!r}: expected true or false",
            code="wrong_type",
            file=path,
            key=where,
            value=value,
        )
    if key in _MAPPINGS:
        if isinstance(value, dict):
            return {column: _name(path, f"{where}.{column}", each) for column, each in value.items()}
        raise BadInput(
            f'{path}: {where} is {value!r}: expected a table such as {{user_id = "visitorid"}}',
            code="wrong_type",
            file=path,
            key=where,
            value=value,
        )
    if key == "time_unit":
        if value in get_args(TimeUnit):
            return value
        raise BadInput(
            f"{path}: {where} is {value!r}: expected {', '.join(get_args(TimeUnit))}",
            code="unknown_value",
            file=path,
            key=where,
            value=value,
            expected=[*get_args(TimeUnit)],
        )
    if key in ("files", "null_words"):
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise BadInput(
            f'{path}: {where} is {value!r}: expected a list of texts such as ["a", "b"]',
            code="wrong_type",
            file=path,
            key=where,
            value=value,
        )
    raise BadInput(f"{path}: {where} is unknown: expected {', '.join(_KEYS)}", code="unknown_key", file=path, key=where)


def _text(path: Path, where: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise BadInput(
        f"{path}: {where} is {value!r}: expected a text in quotes", code="wrong_type", file=path, key=where, value=value
    )


def _name(path: Path, where: str, value: Any) -> str:
    # In a file without a header a column is the number of its field.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(path, where, value)
