"""The append-only ledger of publications and the pointer that readers follow, inside a caller's transaction.

Reads and writes `recs.publications` and `recs.current_publication`; used by publication, rollback and
the begin of an attempt.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from nightjar.warehouse.protocol import Connection, insert_row

# The DAG looks for these words in the outcome of a publication to find out whether readers see something new.
IS_CURRENT = "is current"


@dataclass(frozen=True)
class Published:
    """A ledger entry; `moved`: whether readers now see `publication_id`."""

    ledger_id: int
    publication_id: str
    previous_publication_id: str | None
    moved: bool


def current_publication(connection: Connection) -> tuple[str, date] | None:
    """Return the current publication and its data date."""
    row = connection.execute("select publication_id, data_date from recs.current_publication").fetchone()
    return (row[0], row[1]) if row else None


def last_publication_of(connection: Connection, data_date: date) -> str | None:
    """Return the last publication of a data date, current or history; None where it has none."""
    row = connection.execute(
        "select publication_id from recs.publications where data_date = ? and action in ('published', 'history') "
        "order by ledger_id desc limit 1",
        [data_date],
    ).fetchone()
    return row[0] if row else None


def add_entry(connection: Connection, **values: str | int | date | datetime | None) -> int:
    """Append an entry; return its number."""
    ledger_id: int = connection.execute("select coalesce(max(ledger_id), 0) + 1 from recs.publications").fetchall()[0][
        0
    ]
    entry = {"ledger_id": ledger_id, **values, "recorded_at": datetime.now(UTC)}
    insert_row(connection, "recs.publications", entry)
    return ledger_id


def point_to(connection: Connection, publication_id: str, data_date: date, ledger_id: int) -> None:
    """Point readers to a publication; `ledger_id` is its entry."""
    connection.execute("delete from recs.current_publication")
    connection.execute(
        "insert into recs.current_publication (publication_id, data_date, ledger_id, moved_at) values (?, ?, ?, ?)",
        [publication_id, data_date, ledger_id, datetime.now(UTC)],
    )
