"""Deletes what the retention plan lists: rows first, then files.

Rows are deleted first, in one transaction that makes the plan again. So no row ever names a deleted file, and an
attempt that lost its rows cannot become current. If the process dies in between, the next call finds the files by their
attempt, which stays in `recs.publication_attempts`. `publications`, `gate_decisions`, `model_metrics` and
`model_sources` stay too.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nightjar.contract.errors import NightjarError
from nightjar.contract.failpoints import failpoint
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.tables import OUTPUTS, SNAPSHOT, STAGED, Table
from nightjar.publishing.retention.plan import Attempt, Entry, History, Part, Plan, RetentionDecision, plan
from nightjar.warehouse.protocol import Connection, Warehouse

# Metrics and sources of every run stay comparable after its rows are deleted.
REMOVED_TABLES = tuple(table for table in OUTPUTS if table.name not in ("model_metrics", "model_sources"))
# Files that stages of one run, or of two, pass on; a publication is served from `model` and `indices`.
WORK_FOLDERS = ("snapshot", "features", "evaluation", "outputs", "start", "checkpoints")
_OWNER = re.compile(r"/publication_id=([^/]+)/")


@dataclass(frozen=True)
class Removal:
    """One attempt's decision with what it deletes: rows, folders, and bytes of files that nothing else links to."""

    decision: RetentionDecision
    rows: int
    folders: tuple[Path, ...]
    file_bytes: int


def default_as_of(warehouse: Warehouse) -> date | None:
    """Return the data date of the current publication, or None when nothing is published yet."""
    with warehouse.connect(read_only=True) as connection:
        row = connection.execute("select data_date from recs.current_publication").fetchone()
    return row[0] if row else None


def survey(warehouse: Warehouse, settings: Settings, as_of: date) -> tuple[Plan, list[Removal]]:
    """Return the plan and what it would free; changes nothing.

    Raises:
        NightjarError: a run folder leads out of the lake.
    """
    with warehouse.connect(read_only=True) as connection:
        found = plan(_read_history(connection), as_of, settings)
        rows = (
            _rows_by_attempt(connection, REMOVED_TABLES, _attempts_losing(found, Part.ROWS)),
            _rows_by_attempt(connection, STAGED, _attempts_losing(found, Part.STAGED_ROWS)),
        )
    return found, [_removal(settings.lake, decision, *rows) for decision in found.decisions]


def remove_rows(warehouse: Warehouse, settings: Settings, as_of: date) -> Plan:
    """Make the plan again and delete its rows in one transaction; return the plan, whose files may be deleted now.

    Partitions are dropped after the transaction, when no other row refers to them.
    """
    with warehouse.transaction() as connection:
        found = plan(_read_history(connection), as_of, settings)
        warehouse.delete_rows(connection, REMOVED_TABLES, _attempts_losing(found, Part.ROWS))
        warehouse.delete_rows(connection, (*STAGED, *SNAPSHOT), _attempts_losing(found, Part.STAGED_ROWS))
        failpoint("retention:before_commit")
    failpoint("retention:after_commit")
    # A publication still has its partitions, an unpublished attempt at most empty ones.
    warehouse.drop_partitions(
        REMOVED_TABLES, [*_attempts_losing(found, Part.ROWS), *_attempts_losing(found, Part.STAGED_ROWS)]
    )
    failpoint("retention:after_rows")
    return found


def remove_files(settings: Settings, found: Plan) -> None:
    """Delete the folders of the plan, as far as they still exist.

    Raises:
        NightjarError: a run folder leads out of the lake; the ones before it are deleted.
    """
    for decision in found.decisions:
        for path in _paths(settings.lake, decision):
            # Only the link is deleted, not its target.
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path)
            failpoint("retention:after_folder")
            with suppress(OSError):
                path.parent.rmdir()


def _read_history(connection: Connection) -> History:
    attempts = connection.execute(
        "select publication_id, data_date, attempt, started_at from recs.publication_attempts"
    ).fetchall()
    ledger = connection.execute("select ledger_id, publication_id, action, mlflow_run_id from recs.publications")
    entries = tuple(Entry(*row) for row in ledger.fetchall())
    current = connection.execute("select publication_id from recs.current_publication").fetchone()
    index_folders: dict[str, frozenset[str]] = {}
    for publication_id, uri in connection.execute("select publication_id, uri from recs.index_manifest").fetchall():
        owners = frozenset(_OWNER.findall(f"{uri}/"))
        index_folders[publication_id] = index_folders.get(publication_id, frozenset()) | owners
    return History(tuple(Attempt(*row) for row in attempts), entries, current[0] if current else None, index_folders)


def _attempts_losing(found: Plan, part: Part) -> list[str]:
    return [each.publication_id for each in found.decisions if part in each.removes]


def _rows_by_attempt(connection: Connection, tables: tuple[Table, ...], publication_ids: list[str]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for table in tables:
        query = f"select publication_id, count(*) from {table.full_name} where publication_id = any(?) group by 1"  # noqa: S608 names from tables.py
        counted.update(dict(connection.execute(query, [publication_ids]).fetchall()))
    return counted


def _removal(lake: Path, decision: RetentionDecision, rows: dict[str, int], staged_rows: dict[str, int]) -> Removal:
    counted = rows.get(decision.publication_id, 0) if Part.ROWS in decision.removes else 0
    counted += staged_rows.get(decision.publication_id, 0) if Part.STAGED_ROWS in decision.removes else 0
    folders = tuple(_paths(lake, decision))
    return Removal(decision, counted, folders, sum(freed_bytes(path) for path in folders))


def _paths(lake: Path, decision: RetentionDecision) -> Iterator[Path]:
    """Yield the existing folders that are to be deleted.

    Raises:
        NightjarError: the run folder is not where its name says, e.g. behind a symbolic link.
    """
    folder = RunFolder.of(lake, decision.publication_id).path
    if not decision.removes & {Part.FOLDER, Part.WORK_FILES} or not (folder.exists() or folder.is_symlink()):
        return
    check_in_place(lake, folder)
    if Part.FOLDER in decision.removes:
        yield folder
        return
    for path in (folder / name for name in WORK_FOLDERS):
        if path.exists() or path.is_symlink():
            yield path


def check_in_place(lake: Path, folder: Path) -> None:
    """Check that a folder of the lake is where its name says.

    Raises:
        NightjarError: it is not, e.g. behind a symbolic link.
    """
    if folder.resolve() != lake.resolve() / folder.relative_to(lake):
        raise NightjarError(
            f"{folder} leads to {folder.resolve()}: retention deletes nothing outside {lake}",
            code="outside_lake",
            path=folder,
            target=folder.resolve(),
        )


def freed_bytes(path: Path) -> int:
    """Return the bytes that deleting a folder frees."""
    if path.is_symlink():
        return 0
    found = (each.lstat() for each in path.rglob("*") if each.is_file() and not each.is_symlink())
    # A file that a later attempt inherited is linked into both folders and stays in the other one.
    return sum(each.st_size for each in found if each.st_nlink == 1)
