"""Why runs failed: one row of `recs.run_failures` for each, written by whatever process sees a run fail.

Storing a failure must never hide it. While the warehouse is out of reach, the row waits as a file in `failures/` of the
home, and the next writer stores it too. In the run folder the file `failures/<task>.json` marks the failure with which
an attempt ended.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput, GateRefused, NightjarError
from nightjar.contract.progress import MARK
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_with_deadline
from nightjar.warehouse.protocol import Connection, Warehouse, insert_row
from nightjar.warehouse.readers_snapshot import refresh_if_possible

REFUSED, FAILED, DIED = "refused", "failed", "died"
NIGHTLY = "nightly_recommendations"
_LONGEST = 2_000
_EXISTS = "select 1 from information_schema.tables where table_schema = 'recs' and table_name = 'run_failures'"
# How long a failed task waits for the warehouse before it ends.
_WAIT_SECONDS = 15.0


@dataclass(frozen=True)
class RunFailure:
    """One row; the fields are those of the table."""

    run_id: str
    task: str
    outcome: str
    reason: str
    exit_code: int | None = None
    publication_id: str | None = None
    data_date: date | None = None
    dag_id: str = NIGHTLY
    failed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    resumed_at: datetime | None = None

    def to_json(self) -> str:
        """The row as JSON text."""
        return json.dumps(asdict(self), default=lambda moment: moment.isoformat(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "RunFailure":
        """The row from its JSON text."""
        values = json.loads(text)
        for name in ("failed_at", "resumed_at"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        values["data_date"] = date.fromisoformat(values["data_date"]) if values["data_date"] else None
        return cls(**values)

    @property
    def key(self) -> tuple[str, str, str, datetime]:
        """What identifies the row."""
        return (self.dag_id, self.run_id, self.task, self.failed_at)


def outcome_of(exit_code: int | None) -> str:
    """Return the outcome that an exit code means: refused, failed, or died by a signal."""
    if exit_code in (BadInput.exit_code, GateRefused.exit_code):
        return REFUSED
    return DIED if exit_code is None or exit_code < 0 or exit_code > 128 else FAILED


def reason_without_output(task: str) -> str:
    """Return the reason of a task whose process failed without output."""
    return (
        f"the process of {task} ended without an error message: it was killed, memory ran out, or a user marked it "
        "failed; see its log"
    )


def store_failure(settings: Settings, failure: RunFailure) -> None:
    """Store a failure in place of the row of the same key; an error in doing so is one line of the log."""
    failure = replace(failure, reason=" ".join(failure.reason.split())[:_LONGEST])
    try:
        _write_marker(settings, failure)
        if not _waiting_folder(settings).exists() and not _has_warehouse(settings):
            # A home without a warehouse stays empty.
            return
        waiting = _waiting_folder(settings) / f"{hashlib.sha256(repr(failure.key).encode()).hexdigest()[:16]}.json"
        waiting.parent.mkdir(parents=True, exist_ok=True)
        write_text(waiting, failure.to_json())
        warehouse = open_with_deadline(settings, _WAIT_SECONDS)
        store_waiting_failures(settings, warehouse)
        refresh_if_possible(warehouse, "the reason of a failed run was stored")
    except Exception as error:
        print(f"{MARK} the reason of the failed run could not be stored yet: {error}", flush=True)


def store_waiting_failures(settings: Settings, warehouse: Warehouse) -> None:
    """Store the rows that wait as files in the warehouse.

    Raises:
        NightjarError: the warehouse is out of reach; the files stay.
    """
    waiting = sorted(_waiting_folder(settings).glob("*.json"))
    if not waiting:
        return
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        for path in waiting:
            upsert_failure(connection, RunFailure.from_json(path.read_text(encoding="utf-8")))
    for path in waiting:
        path.unlink(missing_ok=True)


def upsert_failure(connection: Connection, failure: RunFailure) -> None:
    """Write one row in place of the one of the same key."""
    connection.execute(
        "delete from recs.run_failures where dag_id = ? and run_id = ? and task = ? and failed_at = ?", failure.key
    )
    insert_row(connection, "recs.run_failures", asdict(failure))


def mark_resumed(settings: Settings, publication_id: str, tasks: Sequence[str]) -> None:
    """Mark the failures of these tasks as resumed: their attempt continues."""
    for path in _markers(settings, publication_id):
        if path.stem in tasks:
            failure = RunFailure.from_json(path.read_text(encoding="utf-8"))
            path.unlink()
            store_failure(settings, replace(failure, resumed_at=datetime.now(UTC)))


def has_failures_table(connection: Connection) -> bool:
    """Return whether the table exists: an earlier version has none."""
    return connection.execute(_EXISTS).fetchone() is not None


def mark_refusals_resumed(connection: Connection, data_date: date) -> None:
    """Mark the refusals of a date that came before it had an attempt as resumed."""
    connection.execute(
        "update recs.run_failures set resumed_at = ? "
        "where dag_id = ? and data_date = ? and publication_id is null and resumed_at is null",
        [datetime.now(UTC), NIGHTLY, data_date],
    )


def is_recorded(settings: Settings, *, since: datetime, **known: Any) -> bool:
    """Return whether a failure with these values, by column, was stored since then, in the warehouse or as a file."""
    for failure in [*waiting_failures(settings), *_stored(settings, since)]:
        if failure.failed_at >= since and all(getattr(failure, name) == value for name, value in known.items()):
            return True
    return False


def waiting_failures(settings: Settings) -> list[RunFailure]:
    """Return the rows that wait as files."""
    return [
        RunFailure.from_json(path.read_text(encoding="utf-8"))
        for path in sorted(_waiting_folder(settings).glob("*.json"))
    ]


def failures(connection: Connection, since: datetime | None = None, most: int = 50) -> list[RunFailure]:
    """Return the newest failures since then, newest first; none before the table exists."""
    if not has_failures_table(connection):
        return []
    names = [each.name for each in fields(RunFailure)]
    rows = connection.execute(
        f"select {', '.join(names)} from recs.run_failures where failed_at >= ? order by failed_at desc limit ?",  # noqa: S608 fields of the class
        [since or datetime(1970, 1, 1, tzinfo=UTC), most],
    ).fetchall()
    return [RunFailure(**dict(zip(names, row, strict=True))) for row in rows]


def _stored(settings: Settings, since: datetime) -> list[RunFailure]:
    if not _has_warehouse(settings):
        return []
    try:
        with open_with_deadline(settings, _WAIT_SECONDS).connect(read_only=True) as connection:
            return failures(connection, since)
    except NightjarError:
        return []


def _write_marker(settings: Settings, failure: RunFailure) -> None:
    if not failure.publication_id or failure.resumed_at:
        return
    folder = RunFolder.of(settings.lake, failure.publication_id)
    if folder.path.is_dir():
        folder.failures.mkdir(exist_ok=True)
        write_text(folder.failures / f"{failure.task}.json", failure.to_json())


def _markers(settings: Settings, publication_id: str) -> Iterator[Path]:
    yield from sorted(RunFolder.of(settings.lake, publication_id).failures.glob("*.json"))


def _waiting_folder(settings: Settings) -> Path:
    return settings.home / "failures"


def _has_warehouse(settings: Settings) -> bool:
    return settings.warehouse_engine != "duckdb" or settings.warehouse_path.exists()
