"""Finds the files that a user names for one raw table: files, folders, patterns, and their partition keys.

A folder named `event_type=purchase`, as Spark and Hive write partitions, is a value of each row below it. Only this
module reads such keys: the readers' own handling of them is off.
"""

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

from nightjar.contract.errors import BadInput
from nightjar.importers.import_notes import Note

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_MARKERS = ("_SUCCESS", "_metadata", "_common_metadata", "_started", "_committed", ".DS_Store")
# Data files that such a table has deleted stay in its folder: only its own programs know which count.
_TABLE_FORMATS = {"_delta_log": "Delta Lake", ".hoodie": "Hudi", "metadata/version-hint.text": "Iceberg"}
_MOST_FILES = 10_000


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    Attributes:
        path: Where it lies.
        display_name: Its name in `raw.rejected_rows`; unique within a table.
        partition: Of the folders above it: key to value, None where they name no value.
        is_named: Whether the user named this file itself, not a folder or pattern.
    """

    path: Path
    display_name: str
    partition: Mapping[str, str | None] = field(default_factory=dict)
    is_named: bool = True


def find_files(paths: Sequence[Path], note: Note) -> list[InputFile]:
    """Return the files of one table in the order given, those of a folder or pattern by name; each of them once.

    Raises:
        BadInput: a path is there neither as file nor as folder nor as pattern, holds no file, or is the folder of a
            table format that keeps deleted rows in its files.
    """
    found: dict[Path, InputFile] = {}
    repeated = []
    for path in paths:
        for file in _expand(path, note):
            key = file.path.resolve()
            if key in found:
                repeated.append(str(file.path))
            found.setdefault(key, file)
    if repeated:
        note(f"{', '.join(repeated[:5])}{' and others' if len(repeated) > 5 else ''}: named twice, read once")
    if len(found) > _MOST_FILES:
        raise BadInput(
            f"{paths[0]} and the other paths hold {len(found):,} files: expected at most {_MOST_FILES:,}",
            code="too_many_files",
            path=paths[0],
            count=len(found),
            expected=_MOST_FILES,
        )
    return _with_unique_names(list(found.values()))


def _expand(path: Path, note: Note) -> list[InputFile]:
    if path.is_file():
        return [_file(path, is_named=True)]
    if path.is_dir():
        return _folder_files(path, note)
    if not glob.has_magic(str(path)):
        raise BadInput(f"{path} is no file and no folder", code="no_such_file", path=path)
    matched = sorted(Path(each) for each in glob.glob(str(path), recursive=True))
    files = [each for each in matched if each.is_file() and not _is_hidden(each.name)]
    inside = [file for folder in matched if folder.is_dir() for file in _folder_files(folder, note)]
    if not files and not inside:
        raise BadInput(f"{path} is no file, and as a pattern it matches none", code="no_such_file", path=path)
    return [_file(each, is_named=False) for each in files] + inside


def _folder_files(folder: Path, note: Note) -> list[InputFile]:
    found, empty, hidden = [], [], []
    for name, kind in _TABLE_FORMATS.items():
        if (folder / name).exists():
            raise BadInput(
                f"{folder} is a {kind} table: its files also hold deleted rows; export its rows to Parquet",
                code="unsupported_table_format",
                path=folder,
                value=kind,
            )
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_hidden(each))
        for name in sorted(names):
            path = Path(at, name)
            if _is_hidden(name):
                hidden += [] if name.startswith(_MARKERS) or name.endswith(".crc") else [name]
            elif path.stat().st_size == 0:
                empty.append(name)
            else:
                found.append(_file(path, is_named=False))
    if not found:
        raise BadInput(f"{folder} holds no file with content", code="empty_folder", path=folder)
    for left_out, why in ((hidden, "their names begin with _ or ."), (empty, "they are empty")):
        if left_out:
            note(f"{folder}: {len(left_out)} files are left out ({why}): {', '.join(left_out[:3])}")
    _require_one_format(folder, [file.path for file in found])
    return found


def _require_one_format(folder: Path, paths: Iterable[Path]) -> None:
    suffixes: dict[str, Path] = {}
    for path in paths:
        suffixes.setdefault(path.suffix.lower() if not path.suffix[1:].isdigit() else "", path)
    if len(suffixes) > 1:
        shown = ", ".join(path.name for path in list(suffixes.values())[:5])
        raise BadInput(
            f"{folder} holds files of several formats ({shown}): name the files to read, or a pattern",
            code="several_formats",
            path=folder,
            files=[path.name for path in suffixes.values()],
        )


def _is_hidden(name: str) -> bool:
    return name.startswith(("_", ".")) and "=" not in name


def _file(path: Path, *, is_named: bool) -> InputFile:
    # The absolute path, because the working directory may be below such a folder.
    folders = [part for part in Path(os.path.abspath(path)).parent.parts if part.find("=") > 0]
    pairs = [part.split("=", 1) for part in folders]
    partition = {unquote(key): None if value == _NO_VALUE else unquote(value) for key, value in pairs}
    return InputFile(path, "/".join([*folders, path.name]), partition, is_named)


def _with_unique_names(files: list[InputFile]) -> list[InputFile]:
    if len({file.display_name for file in files}) == len(files):
        return files
    whole = [os.path.abspath(file.path) for file in files]
    common = os.path.commonpath([os.path.dirname(path) for path in whole])
    return [replace(file, display_name=os.path.relpath(path, common)) for file, path in zip(files, whole, strict=True)]
