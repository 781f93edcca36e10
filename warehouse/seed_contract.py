"""Whether dbt can load the seeds: files that people edit, in columns and types that their yml promises.

Asked before a run begins, as of the raw tables (`warehouse.input_contract`).
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import BadInput
from warehouse.settings import DBT_PROJECT

_NUMBERS = {"double precision": float, "double": float, "real": float, "integer": int, "bigint": int}
_MOST = 5


def check_seeds(project: Path = DBT_PROJECT) -> None:
    """Check the files of all seeds.

    Raises:
        BadInput: one is missing, is not UTF-8, has other columns, or a value that its column does not take; names file,
            line, column and value of up to five faults.
    """
    folder = project / "seeds"
    faults = []
    for described in sorted(folder.rglob("*.yml")):
        for seed in yaml.safe_load(described.read_text(encoding="utf-8")).get("seeds") or ():
            faults += list(_faults(folder, described, seed))
    if faults:
        more = f"; and {len(faults) - _MOST} more" if len(faults) > _MOST else ""
        raise BadInput(f"dbt cannot load a seed: {'; '.join(faults[:_MOST])}{more}")


def _faults(folder: Path, described: Path, seed: dict[str, Any]) -> Iterator[str]:
    path = described.parent / f"{seed['name']}.csv"
    shown = path.relative_to(folder.parent.parent)
    types = {column["name"]: str(column.get("data_type", "text")) for column in seed["columns"]}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            if header != list(types):
                yield f"{shown}, line 1: expected the columns {','.join(types)}, found {','.join(header) or 'nothing'}"
                return
            for row in rows:
                yield from (f"{shown}, line {rows.line_num}: {fault}" for fault in _faults_of_row(row, types))
    except FileNotFoundError:
        yield f"{shown} is missing: {described.name} describes it"
    except UnicodeDecodeError as error:
        yield f"{shown} is not UTF-8 (byte {error.start}: 0x{error.object[error.start]:02x}): save it as UTF-8"
    except csv.Error as error:
        yield f"{shown}, line {rows.line_num}: {error}"


def _faults_of_row(row: list[str], types: dict[str, str]) -> Iterator[str]:
    if not row:
        return
    if len(row) != len(types):
        yield f"expected {len(types)} values, found {len(row)}: {','.join(row)[:100]}"
        return
    for (column, kind), value in zip(types.items(), row, strict=True):
        read = _NUMBERS.get(kind)
        if read is None or not value:
            continue
        try:
            read(value)
        except ValueError:
            yield f"{column}={value!r}, expected {'a whole number' if read is int else 'a number'}"
