"""The weight of an event of each type: the table `raw.event_weights`, its shipped rows, and their checks.

Read when a run begins, by `nightjar import`, `nightjar events` and requests for single users; dbt reads the table as a
source. `event_weights.csv` beside this file holds the rows that a new warehouse gets.
"""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.warehouse.protocol import Connection, insert_row

SHIPPED = Path(__file__).with_name("event_weights.csv")
COLUMNS = ("event_type", "weight", "min_value", "half_life_days")
# The space separators of Unicode, which dbt trims too: see dbt_project/macros/portability/text.sql.
_SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
READ_ALL = f"select {', '.join(COLUMNS)} from raw.event_weights order by event_type, min_value nulls first"  # noqa: S608 the module's own constants
_TABLES = (
    "select table_schema || '.' || table_name from information_schema.tables "
    "where table_schema in ('raw', 'core') and table_name = 'event_weights'"
)


@dataclass(frozen=True)
class EventWeight:
    """One row of the table; the fields are its columns."""

    event_type: str
    weight: float
    min_value: float | None = None
    half_life_days: float | None = None

    @property
    def name(self) -> str:
        """Its type, and its min_value where it has one."""
        return self.event_type if self.min_value is None else f"{self.event_type} from {self.min_value:g}"


def normal_name(event_type: str) -> str:
    """Return an event type as the facts write it: without spaces around it, in lower case letter by letter."""
    return "".join(letter.lower()[0] for letter in event_type.strip(_SPACES))


def read(connection: Connection) -> list[EventWeight]:
    """Return all rows, by event type and then the lowest min_value first, none before all.

    A warehouse of an earlier version has no such table until its first run: for it these are the rows that the run will
    write.
    """
    tables = {name for (name,) in connection.execute(_TABLES).fetchall()}
    if "raw.event_weights" in tables:
        return [EventWeight(*row) for row in connection.execute(READ_ALL).fetchall()]
    return _first_rows(connection, tables)


def fill_new_table(connection: Connection) -> None:
    """Write the first rows of a new table: the shipped ones, or those of an earlier version.

    Earlier versions kept the weights as the dbt seed `core.event_weights`: its rows of a type replace the shipped ones.
    """
    for row in _first_rows(connection, {name for (name,) in connection.execute(_TABLES).fetchall()}):
        insert_row(connection, "raw.event_weights", asdict(row))


def shipped() -> list[EventWeight]:
    """Return the rows that a new warehouse gets."""
    return read_file(SHIPPED)


def read_file(path: Path) -> list[EventWeight]:
    """Read rows from a CSV file with the columns event_type, weight and, if wanted, min_value and half_life_days.

    Raises:
        BadInput: the file cannot be read, has other columns, or holds a row that is not usable; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            names = lines.fieldnames or []
            if unknown := [name for name in names if name not in COLUMNS]:
                raise BadInput(
                    f"{path} has the unknown column {unknown[0]!r}: expected {', '.join(COLUMNS)}",
                    code="unknown_column",
                    file=path,
                    column=unknown[0],
                    columns=unknown,
                    expected=[*COLUMNS],
                )
            if lacking := [name for name in COLUMNS[:2] if name not in names]:
                raise BadInput(
                    f"{path} lacks the column {lacking[0]}: expected {', '.join(COLUMNS)}",
                    code="missing_columns",
                    file=path,
                    column=lacking[0],
                    columns=lacking,
                    expected=[*COLUMNS],
                )
            rows = [_of_line(path, lines.line_num, line) for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as CSV in UTF-8: {error}", code="unreadable_file", file=path) from error
    if not rows:
        raise BadInput(f"{path} holds no rows: expected lines of {','.join(COLUMNS)}", code="no_rows", file=path)
    check_usable(rows, str(path))
    return rows


def check_usable(rows: Sequence[EventWeight], where: str = "raw.event_weights") -> None:
    """Check that a run can weigh events by the rows.

    Raises:
        BadInput: a row is not usable; names every fault.
    """
    faults = [f"{row.name}: {fault}" for row in rows for fault in _faults(row)]
    faulty = [row.event_type for row in rows if _faults(row)]
    counted = Counter((row.event_type, row.min_value) for row in rows)
    faults += [
        f"{EventWeight(event_type, 0, min_value).name}: {count} rows, expected one"
        for (event_type, min_value), count in counted.items()
        if count > 1
    ]
    faulty += [event_type for (event_type, _), count in counted.items() if count > 1]
    if faults:
        raise BadInput(
            f"{where} cannot be used: {'; '.join(faults)} (nightjar events set TYPE --weight W)",
            code="invalid_event_weights",
            file=where,
            event_types=faulty,
        )


def by_type(rows: Iterable[EventWeight]) -> Mapping[str, list[EventWeight]]:
    """Return the rows of each event type, in their order."""
    found: dict[str, list[EventWeight]] = {}
    for row in rows:
        found.setdefault(row.event_type, []).append(row)
    return found


def weight_of(rows: Sequence[EventWeight], value: float | None) -> float:
    """Return the weight of an event: that of the row with the highest min_value not above its value.

    Args:
        rows: of its type, the lowest min_value first, none before all.
        value: of the event.
    """
    fitting = [row for row in rows if row.min_value is None or (value is not None and value >= row.min_value)]
    return fitting[-1].weight if fitting else 0.0


def _first_rows(connection: Connection, tables: set[str]) -> list[EventWeight]:
    edited: list[EventWeight] = []
    if "core.event_weights" in tables:
        found = connection.execute(f"select {', '.join(COLUMNS)} from core.event_weights").fetchall()  # noqa: S608 the module's own constants
        edited = [EventWeight(*row) for row in found]
    replaced = {row.event_type for row in edited}
    rows = [*edited, *(row for row in shipped() if row.event_type not in replaced)]
    return sorted(rows, key=lambda row: (row.event_type, row.min_value is not None, row.min_value or 0.0))


def _of_line(path: Path, number: int, line: Mapping[str | None, str | None]) -> EventWeight:
    if None in line or None in line.values():
        raise BadInput(
            f"{path} line {number} has not as many cells as the first line: expected {', '.join(COLUMNS)}",
            code="wrong_number_of_cells",
            file=path,
            line=number,
        )
    numbers: dict[str, float | None] = {}
    for name in COLUMNS[1:]:
        text = (line.get(name) or "").strip()
        try:
            numbers[name] = float(text) if text else None
        except ValueError as error:
            raise BadInput(
                f"{path} line {number}: {name} {text!r} is no number",
                code="not_a_number",
                file=path,
                line=number,
                column=name,
                value=text,
            ) from error
    weight = numbers.pop("weight")
    if weight is None:
        raise BadInput(
            f"{path} line {number}: weight is empty, expected a number of at least 0",
            code="empty_value",
            file=path,
            line=number,
            column="weight",
        )
    return EventWeight(normal_name(line["event_type"] or ""), weight, **numbers)


def _faults(row: EventWeight) -> list[str]:
    faults = []
    if not row.event_type or row.event_type != normal_name(row.event_type):
        faults.append(f"event type {row.event_type!r}, expected lower case without spaces around it")
    if row.weight is None or not math.isfinite(row.weight) or row.weight < 0:
        faults.append(f"weight {row.weight}, expected a finite number of at least 0")
    if row.min_value is not None and not math.isfinite(row.min_value):
        faults.append(f"min_value {row.min_value}, expected a finite number or none")
    half_life = row.half_life_days
    if half_life is not None and not (math.isfinite(half_life) and half_life > 0):
        faults.append(f"half-life of {half_life} days, expected a finite number above 0, or none")
    return faults
