"""Users whose events have weight 0 in a run, because they had more on one date than NIGHTJAR_MAX_EVENTS_PER_DAY.

`unload` writes them as `snapshot/excluded_users.parquet`. No model and no popularity uses their events, and they get
recommendations as cold users do. Analysts read them in `recs.excluded_users`. Nothing is deleted.
"""

from typing import Any

import pyarrow.parquet as pq

from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.warehouse.protocol import Connection, insert_row

_COLUMNS = "user_id, event_date, events"
_NAMED_AT_MOST = 5


def query(visible: str) -> str:
    """Return SQL for the rows: user_id, event_date and events of each date above `$max_events_per_day`.

    Args:
        visible: condition of the events that the run sees. Only events of a weight above 0 are counted: a user who is
            shown a thousand items a day is no bot.
    """
    return f"""
        select user_id, event_date, count(*) as events from intermediate.int_interactions_weighted
        where {visible} and event_weight > 0
        group by user_id, event_date having count(*) > $max_events_per_day
    """  # noqa: S608 conditions of unload.py


def read(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the rows of a run folder; none where the run had no limit."""
    path = folder.snapshot("excluded_users")
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist() if path.exists() else []
    return rows


def record(connection: Connection, run: RunRecord, folder: RunFolder) -> list[dict[str, Any]]:
    """Replace the attempt's rows of `recs.excluded_users` by those of its folder and return these."""
    rows = read(folder)
    connection.execute("delete from recs.excluded_users where publication_id = ?", [run.publication_id])
    for row in rows:
        of_run = {"publication_id": run.publication_id, "data_date": run.data_date}
        insert_row(connection, "recs.excluded_users", of_run | row)
    return rows


def line(rows: list[dict[str, Any]], max_events_per_day: int) -> str:
    """Return one line of the excluded users with their dates of most events, most events first."""
    most: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda each: (-each["events"], each["user_id"], each["event_date"])):
        most.setdefault(row["user_id"], row)
    named = ", ".join(
        f"{row['user_id']} ({row['events']:,} on {row['event_date']})" for row in list(most.values())[:_NAMED_AT_MOST]
    )
    others = f" and {len(most) - _NAMED_AT_MOST:,} more" if len(most) > _NAMED_AT_MOST else ""
    who = f"{len(most):,} {'user' if len(most) == 1 else 'users'}"
    limit = f"more than {max_events_per_day:,} events on one date"
    return f"excluded {who} with {limit}: {named}{others}; see recs.excluded_users"
