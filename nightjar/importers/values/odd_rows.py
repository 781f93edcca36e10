"""Notes what is unusual in rows that break no rule: one date only, unlikely years, one user with half of them."""

import duckdb

from nightjar.importers.import_notes import Note
from nightjar.importers.import_source import ImportSource

_FEW_ROWS = 100


def note_odd_rows(connection: duckdb.DuckDBPyConnection, source: ImportSource, note: Note) -> None:
    """Note what is unusual in the accepted rows of a checked source, one line each."""
    if source.table.name != "interactions":
        return
    accepted = f"{source.checked} where reason is null"
    rows, midnights, first, last = connection.execute(
        f"""select count(*), count(*) filter (where occurred_at = date_trunc('day', occurred_at)),
            min(occurred_at)::date::varchar, max(occurred_at)::date::varchar from {accepted}"""
    ).fetchall()[0]
    if rows < _FEW_ROWS:
        return
    if midnights == rows:
        note("interactions: all times are midnight: events of one day have no order")
    if first == last:
        note(f"interactions: all rows are of one day, {first}")
    if first < "1990-01-01":
        note(f"interactions: times go from {first} to {last}: check whether the first ones stand for an unknown time")
    user, most = connection.execute(
        f"select user_id, count(*) as most from {accepted} group by user_id order by most desc, user_id limit 1"
    ).fetchall()[0]
    if most * 2 >= rows:
        note(f"interactions: {most:,} of {rows:,} rows are of the user {user[:60]!r}: check whether it is one person")
