"""What readers open, and what brings it up to date after a publication, a rollback, marts or a clean-up.

On an engine whose readers keep nobody waiting that is the warehouse itself, and there is nothing to bring up to date.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from nightjar.contract.errors import NightjarError
from nightjar.contract.progress import MARK
from nightjar.contract.settings import Settings
from nightjar.warehouse.duckdb.busy_file import FileBusy
from nightjar.warehouse.duckdb.published_rows import ABOUT
from nightjar.warehouse.engines import open_for_readers, open_without_waiting
from nightjar.warehouse.protocol import Connection, Warehouse

NOW = "now"


def refresh(warehouse: Warehouse, after: str) -> str:
    """Write the readers' snapshot; return in words what was written, empty where readers need none.

    Args:
        warehouse: what it is made from.
        after: what happened, e.g. `2026-03-31.1 was published`.

    Raises:
        NightjarError: it could not be written: readers keep the one before, and the same call again writes it.
    """
    started = time.monotonic()
    try:
        written = warehouse.write_readers_snapshot()
    except NightjarError:
        print(f"{MARK} {after}, but readers of the snapshot do not see it yet", flush=True)
        raise
    if written is None:
        return ""
    seconds = time.monotonic() - started
    left_out = f"; without views of other tables: {', '.join(written.views_left_out)}" if written.views_left_out else ""
    return f"readers see it in {written.path}, {written.size_bytes / 1e6:,.1f} MB in {seconds:.1f} s{left_out}"


def refresh_if_possible(warehouse: Warehouse, after: str) -> None:
    """Do as `refresh`; where that fails say so and go on: what called it has an error of its own to tell."""
    try:
        refresh(warehouse, after)
    except NightjarError as error:
        print(f"{MARK} {error}", flush=True)


@contextmanager
def newest_state(settings: Settings) -> Iterator[tuple[Connection, str]]:
    """Open the warehouse where nobody writes to it, else the readers' snapshot without waiting.

    Yields:
        A connection that reads, and in words of which moment its rows are and why; empty where they are the newest.

    Raises:
        NightjarError: a home of an earlier version has no snapshot, and its warehouse stayed busy.
    """
    with ExitStack() as opened:
        of_when = ""
        try:
            connection = opened.enter_context(open_without_waiting(settings).connect(read_only=True))
        except FileBusy as error:
            connection = opened.enter_context(open_for_readers(settings).connect(read_only=True))
            of_when = f"as of {written_at(connection)}: {error}"
        yield connection, of_when


def written_at(connection: Connection) -> str:
    """Return of which moment the rows of a connection are: UTC to the second, or `NOW`."""
    schema, table = ABOUT.split(".")
    if not connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchone():
        return NOW
    [(instant,)] = connection.execute(f"select written_at from {ABOUT}").fetchall()  # noqa: S608 the module's own constants
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
