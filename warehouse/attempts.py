"""Attempts at a data date: each gets a number, a publication id and a run folder; a newer one fences the older.

Writes `recs.publication_attempts` and `run.json`; used by the first stage of a night and by every later writer.
"""

import subprocess
from datetime import UTC, datetime
from importlib.metadata import version

import duckdb

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.errors import BadInput, NightjarError
from warehouse.interval import DataInterval
from warehouse.run_folder import RunFolder, RunRecord
from warehouse.settings import REPOSITORY, Settings

PUBLISH_MODES = ("auto", "never", "force")


def begin_attempt(
    settings: Settings,
    warehouse: DuckDBWarehouse,
    interval: DataInterval,
    *,
    publish_mode: str,
    run_id: str,
    ingested_before: datetime | None = None,
) -> RunRecord:
    """Start the next attempt at a data date, after checking that there is something to train on.

    Raises:
        BadInput: the publish mode is unknown, or the interval holds fewer events than `min_interval_events`.
    """
    warehouse.create_tables()
    with warehouse.transaction() as connection:
        check_attempt(settings, connection, interval, publish_mode=publish_mode, ingested_before=ingested_before)
        attempt = (
            1
            + connection.execute(
                "select coalesce(max(attempt), 0) from recs.publication_attempts where data_date = ?",
                [interval.data_date],
            ).fetchall()[0][0]
        )
        record = RunRecord(
            publication_id=f"{interval.data_date}.{attempt}",
            attempt=attempt,
            interval=interval,
            ingested_before=ingested_before,
            publish_mode=publish_mode,
            run_id=run_id,
            code_version=code_version(),
        )
        connection.execute(
            "insert into recs.publication_attempts values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                record.publication_id,
                record.data_date,
                attempt,
                interval.as_of,
                ingested_before,
                publish_mode,
                run_id,
                record.code_version,
                datetime.now(UTC),
            ],
        )
        RunFolder.of(settings.lake, record.publication_id).write_record(record)
    return record


def check_attempt(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    interval: DataInterval,
    *,
    publish_mode: str,
    ingested_before: datetime | None,
) -> None:
    """Refuse an attempt that cannot succeed: no table is written, so a command may ask before it starts anything.

    Raises:
        BadInput: the publish mode is unknown, or the interval holds fewer events than `min_interval_events`.
    """
    if publish_mode not in PUBLISH_MODES:
        raise BadInput(f"publish={publish_mode!r} is unknown: expected one of {', '.join(PUBLISH_MODES)}")
    seen = "occurred_at < ? and ingested_at <= coalesce(?, 'infinity'::timestamptz)"
    visible, inside, newest = connection.execute(
        f"select count(*), count(*) filter (occurred_at >= ?), max(occurred_at) from raw.interactions where {seen}",
        [interval.start, interval.end, ingested_before],
    ).fetchall()[0]
    if visible == 0:
        arrived = f" that had arrived by {ingested_before}" if ingested_before else ""
        raise BadInput(f"raw.interactions holds no interaction before {interval.as_of}{arrived}: nothing to train on")
    if inside < settings.min_interval_events:
        raise BadInput(
            f"raw.interactions holds {inside} interactions on {interval.data_date}, NIGHTJAR_MIN_INTERVAL_EVENTS "
            f"asks for {settings.min_interval_events}; the newest earlier one is of {newest:%Y-%m-%d}"
        )


def check_not_superseded(connection: duckdb.DuckDBPyConnection, run: RunRecord) -> None:
    """Refuse to go on when a newer attempt at the same data date has begun.

    Raises:
        NightjarError: this attempt was superseded.
    """
    newest = connection.execute(
        "select publication_id from recs.publication_attempts where data_date = ? order by attempt desc limit 1",
        [run.data_date],
    ).fetchall()
    if newest != [(run.publication_id,)]:
        raise NightjarError(f"{run.publication_id} was superseded by {newest[0][0] if newest else 'nothing'}: it stops")


def code_version() -> str:
    """Return the package version, with the commit where the code runs from a checkout."""
    described = subprocess.run(
        ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    commit = described.stdout.strip()
    return f"{version('nightjar')}+{commit}" if described.returncode == 0 and commit else version("nightjar")
