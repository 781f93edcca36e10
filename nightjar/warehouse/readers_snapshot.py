"""Refreshes the readers' snapshot after a publication, a rollback, marts or a clean-up, and opens the newest state.

On an engine whose readers do not block writers, readers open the warehouse itself and nothing is refreshed.
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
    """Write the readers' snapshot; return one line about it, empty where readers need none.

    Args:
        warehouse: its source.
        after: what happened, e.g. `2026-03-31.1 was published`.

    Raises:
        NightjarError: it could not be written: readers keep the earlier one until a call succeeds.
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
    """Refresh; print an error instead of raising it, because the caller has an error of its own."""
    try:
        refresh(warehouse, after)
    except NightjarError as error:
        print(f"{MARK} {error}", flush=True)


@contextmanager
def newest_state(settings: Settings) -> Iterator[tuple[Connection, str]]:
    """Open the warehouse where no process writes to it, else the readers' snapshot.

    Yields:
        A read-only connection, and a text with the time of its rows and why; empty where they are the newest.

    Raises:
        NightjarError: a home of an earlier version has no snapshot, and its warehouse stayed busy.
    """
    with ExitStack() as opened:
        as_of_text = ""
        try:
            connection = opened.enter_context(open_without_waiting(settings).connect(read_only=True))
        except FileBusy as error:
            connection = opened.enter_context(open_for_readers(settings).connect(read_only=True))
            as_of_text = f"as of {written_at(connection)}: {error}"
        yield connection, as_of_text


def written_at(connection: Connection) -> str:
    """Return when the rows of a connection were written: UTC to the second, or `NOW`."""
    schema, table = ABOUT.split(".")
    if not connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchone():
        return NOW
    [(instant,)] = connection.execute(f"select written_at from {ABOUT}").fetchall()  # noqa: S608 the module's own constants
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
