"""Writes the readers' snapshot of a DuckDB warehouse: `published.duckdb`, which no run ever opens for long.

It holds the schemas `recs` and `marts`, their views included, and of `core` and `raw` what these views and the reading
commands ask for. Rows that the file of the time before has already are not copied again: of a large table only the
publications, or event dates, that differ are. docs/decisions/readers-snapshot.md says why.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from nightjar.contract.failpoints import failpoint

FILE = "published.duckdb"
# One row: of which moment and publication the file is.
ABOUT = "recs.readers_snapshot"
_SCHEMAS = ("recs", "marts")
_ALSO = (
    *("core.dim_items", "core.dim_users", "core.dim_user_features", "core.fct_interactions"),
    "raw.event_weights",
)
# Of these tables readers ask for the current publication only, and one takes more room than all else of a run.
_CURRENT_ONLY = ("recs.item_embeddings", "recs.user_embeddings")
_POINTER = "warehouse.recs.current_publication"
# Large tables by the column that their rows are compared and replaced by; the others are copied whole.
_PARTS = {
    "recs.recommendations": "publication_id",
    "recs.similar_items": "publication_id",
    "recs.popular_items": "publication_id",
    "recs.item_embeddings": "publication_id",
    "recs.user_embeddings": "publication_id",
    "core.fct_interactions": "event_date",
}
# What tells two states of a part apart, besides its number of rows: a publication's rows never change, but a warehouse
# may be one that somebody restored, and its publications others of the same name.
_DIGESTS = {
    "publication_id": "(select max(content_hash) from {base}.recs.publications as p where p.publication_id = part)",
    "event_date": "bit_xor(hash(rows_of_part))",
}
# ioctl of Linux: the new file shares the blocks of the old one until either changes.
_FICLONE = 0x40049409


@dataclass(frozen=True)
class ReadersSnapshot:
    """What was written: the file, its size, and the names of views that cannot be answered from it."""

    path: Path
    size_bytes: int
    views_left_out: tuple[str, ...]


def write(warehouse: Path, target: Path, waited_for: Callable[[Callable[[], object]], object]) -> ReadersSnapshot:
    """Write the file aside and rename it; readers of the old one keep it.

    Args:
        warehouse: the DuckDB file of the warehouse.
        target: the file that readers open.
        waited_for: calls what opens the warehouse until no other process writes to it.

    Raises:
        duckdb.Error, OSError: it cannot be written; the old file is as it was.
    """
    with _alone(target):
        if target.exists():
            try:
                return _write(warehouse, target, waited_for, is_begun=True)
            except duckdb.Error:
                # It is damaged, of another version of DuckDB, or somebody wrote into it: then it is written whole.
                pass
        return _write(warehouse, target, waited_for, is_begun=False)


def _write(
    warehouse: Path, target: Path, waited_for: Callable[[Callable[[], object]], object], *, is_begun: bool
) -> ReadersSnapshot:
    with _aside(target, is_begun) as aside:
        with duckdb.connect(config={"temp_directory": f"{aside}.temp"}) as connection:
            connection.execute("set timezone = 'UTC'")
            waited_for(lambda: connection.execute(f"attach {_literal(warehouse)} as warehouse (read_only)"))
            connection.execute(f"attach {_literal(aside)} as published")
            left_out = _bring_up_to_date(connection)
            failpoint("readers_snapshot:before_close")
            connection.execute("detach warehouse")
            connection.execute("checkpoint published")
            connection.execute("detach published")
        size = aside.stat().st_size
    return ReadersSnapshot(target, size, tuple(left_out))


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> list[str]:
    theirs, ours = _tables(connection, "warehouse"), _tables(connection, "published")
    for schema in (*_SCHEMAS, "core", "raw"):
        connection.execute(f"create schema if not exists published.{schema}")
    _drop(connection, "view", _views(connection, "published"))
    _drop(connection, "table", [name for name in ours if name not in theirs])
    # The ledger is what tells publications apart, so it comes last.
    for name in sorted(theirs, key=lambda each: each == "recs.publications"):
        if name in _PARTS and ours.get(name) == theirs[name]:
            _copy_what_differs(connection, name, _PARTS[name])
        else:
            connection.execute(f"create or replace table {_named('published', name)} as select * from {_wanted(name)}")
        failpoint("readers_snapshot:after_table")
    _say_of_when(connection)
    return _create_views(connection, _views(connection, "warehouse"))


def _copy_what_differs(connection: duckdb.DuckDBPyConnection, name: str, part: str) -> None:
    ours = _named("published", name)
    connection.execute(
        f"create or replace temp table differing as select coalesce(theirs.part, ours.part) as part "
        f"from ({_parts_of(_wanted(name), part, 'warehouse')}) as theirs "
        f"full join ({_parts_of(ours, part, 'published')}) as ours on theirs.part = ours.part "
        "where theirs.rows is distinct from ours.rows or theirs.digest is distinct from ours.digest"
    )
    connection.execute(f"delete from {ours} where {part} in (select part from differing)")
    connection.execute(f"insert into {ours} select * from {_wanted(name)} where {part} in (select part from differing)")


def _parts_of(relation: str, part: str, base: str) -> str:
    digest = _DIGESTS[part].format(base=base)
    return f"select {part} as part, count(*) as rows, {digest} as digest from {relation} as rows_of_part group by part"


def _wanted(name: str) -> str:
    """Return the rows of a table of the warehouse that readers get, as a relation."""
    theirs = _named("warehouse", name)
    if name not in _CURRENT_ONLY:
        return theirs
    return f"(select * from {theirs} where publication_id in (select publication_id from {_POINTER}))"


def _say_of_when(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"create or replace table published.{ABOUT} as "
        "select now() as written_at, pointer.publication_id, pointer.data_date, pointer.moved_at "
        f"from (select 1) as one left join {_POINTER} as pointer on true"
    )


def _create_views(connection: duckdb.DuckDBPyConnection, views: dict[str, str]) -> list[str]:
    """Create the views whose relations are there, in the order in which they read each other; return the others."""
    connection.execute("use published")
    left = dict(views)
    while left:
        made = [name for name, statement in left.items() if _is_created(connection, statement)]
        if not made:
            break
        left = {name: statement for name, statement in left.items() if name not in made}
    connection.execute("use memory")
    return sorted(left)


def _is_created(connection: duckdb.DuckDBPyConnection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except duckdb.ProgrammingError:
        # It reads what is not here, or, made by a person, what is not even in the warehouse any more.
        return False
    return True


def _tables(connection: duckdb.DuckDBPyConnection, base: str) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each table that readers get, by `schema.name`, without the one about the file itself."""
    found = connection.execute(
        "select c.schema_name || '.' || c.table_name, c.column_name, c.data_type from duckdb_columns() as c "
        "join duckdb_tables() as t on c.table_oid = t.table_oid and c.database_name = t.database_name "
        "and c.schema_name = t.schema_name where c.database_name = ? and "
        "(c.schema_name = any(?) or c.schema_name || '.' || c.table_name = any(?)) "
        "order by c.schema_name, c.table_name, c.column_index",
        [base, list(_SCHEMAS), list(_ALSO)],
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for name, column, kind in found:
        tables.setdefault(name, []).append((column, kind))
    tables.pop(ABOUT, None)
    return tables


def _views(connection: duckdb.DuckDBPyConnection, base: str) -> dict[str, str]:
    """Return the statement of each view of the readers' schemas, by `schema.name`."""
    return dict(
        connection.execute(
            "select schema_name || '.' || view_name, sql from duckdb_views() "
            "where database_name = ? and schema_name = any(?) order by 1",
            [base, list(_SCHEMAS)],
        ).fetchall()
    )


def _drop(connection: duckdb.DuckDBPyConnection, kind: str, names: Sequence[str] | dict[str, str]) -> None:
    for name in names:
        connection.execute(f"drop {kind} {_named('published', name)}")


def _named(base: str, name: str) -> str:
    """Return `schema.name` of a catalogue, quoted: people may have made relations of their own beside ours."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in (base, *name.split(".", 1)))


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one process write the file at a time; a process that dies lets the next one go on."""
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _aside(target: Path, is_begun: bool) -> Iterator[Path]:
    """Give a copy of the file to change, or the path of a new one; on success it replaces the file."""
    aside = target.with_name(f".{target.name}.aside")
    _remove(aside)
    try:
        if is_begun:
            _clone(target, aside)
        failpoint("readers_snapshot:after_clone")
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        failpoint("readers_snapshot:before_rename")
        aside.replace(target)
    finally:
        _remove(aside)
    failpoint("readers_snapshot:after_rename")


def _remove(aside: Path) -> None:
    for path in (aside, Path(f"{aside}.wal")):
        path.unlink(missing_ok=True)
    shutil.rmtree(f"{aside}.temp", ignore_errors=True)


def _clone(source: Path, target: Path) -> None:
    """Copy a file; where the file system can, without copying its bytes (XFS, Btrfs)."""
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new, _FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 16 << 20)
