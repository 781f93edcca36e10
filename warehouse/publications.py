"""The ledger of publications and the pointer that readers follow.

Moves staged rows to the `recs` tables, adds the ledger row and sets `recs.current_publication` in one transaction.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.attempts import check_not_superseded
from warehouse.errors import BadInput, GateRefused, NightjarError
from warehouse.run_folder import RunRecord
from warehouse.tables import OUTPUTS

GATES = ("inputs", "popularity", "champion", "retrieval_recall", "similarity_recall", "outputs")


@dataclass(frozen=True)
class Published:
    """What a ledger entry did: `moved` tells whether readers now see `publication_id`."""

    ledger_id: int
    publication_id: str
    previous_publication_id: str | None
    moved: bool


def publish(
    warehouse: DuckDBWarehouse, run: RunRecord, *, model_uri: str, mlflow_run_id: str, content_hash: str
) -> Published:
    """Publish the staged rows of an attempt; a second call for the same attempt changes nothing.

    `current` moves when the attempt's date is not older than the current one's (`auto`), always (`force`) or
    never (`never`); the rows become the date's history in each case.

    Raises:
        GateRefused: a gate refused the attempt, or gave no verdict on it.
        NightjarError: a newer attempt at the date has begun, or nothing was staged.
    """
    with warehouse.transaction() as connection:
        earlier = _entry_of(connection, run.publication_id)
        if earlier is not None:
            return earlier
        check_not_superseded(connection, run)
        _check_gates(connection, run.publication_id)
        rows = _move_staged_rows(connection, run)
        current = _current(connection)
        moved = run.publish_mode == "force" or (
            run.publish_mode == "auto" and (current is None or run.data_date >= current[1])
        )
        previous = current[0] if current else None
        entry = _add_entry(
            connection,
            publication_id=run.publication_id,
            data_date=run.data_date,
            as_of=run.interval.as_of,
            action="published" if moved else "history",
            previous_publication_id=previous,
            model_uri=model_uri,
            mlflow_run_id=mlflow_run_id,
            content_hash=content_hash,
            recommendation_rows=rows,
            code_version=run.code_version,
            actor=run.run_id,
            reason=_reason(run, moved, current),
        )
        if moved:
            _point_to(connection, run.publication_id, run.data_date, entry)
        return Published(entry, run.publication_id, previous, moved)


def roll_back(warehouse: DuckDBWarehouse, publication_id: str, *, actor: str, reason: str) -> Published:
    """Point readers to an earlier publication and say so in the ledger.

    Raises:
        BadInput: there is no such publication, its rows are gone, it is current already, or the reason is empty.
    """
    if not reason.strip():
        raise BadInput("--reason is empty: the ledger keeps why a publication was rolled back")
    with warehouse.transaction() as connection:
        target = connection.execute(
            "select * exclude (ledger_id, previous_publication_id, actor, reason, action, recorded_at) "
            "from recs.publications where publication_id = ? order by ledger_id limit 1",
            [publication_id],
        )
        names = [column[0] for column in target.description or []]
        row = target.fetchone()
        if row is None:
            raise BadInput(f"publication {publication_id!r} is not in recs.publications: see nightjar status")
        found = dict(zip(names, row, strict=True))
        kept = connection.execute(
            "select count(*) from recs.recommendations where publication_id = ?", [publication_id]
        ).fetchall()[0][0]
        if kept != found["recommendation_rows"]:
            raise BadInput(f"publication {publication_id!r} has {kept} of {found['recommendation_rows']} rows left")
        current = _current(connection)
        if current and current[0] == publication_id:
            raise BadInput(f"publication {publication_id!r} is current already")
        previous = current[0] if current else None
        entry = _add_entry(
            connection, **found, action="rollback", previous_publication_id=previous, actor=actor, reason=reason
        )
        _point_to(connection, publication_id, found["data_date"], entry)
        return Published(entry, publication_id, previous, True)


def _entry_of(connection: duckdb.DuckDBPyConnection, publication_id: str) -> Published | None:
    row = connection.execute(
        "select ledger_id, previous_publication_id, action = 'published' from recs.publications "
        "where publication_id = ? and action in ('published', 'history')",
        [publication_id],
    ).fetchone()
    return Published(row[0], publication_id, row[1], row[2]) if row else None


def _check_gates(connection: duckdb.DuckDBPyConnection, publication_id: str) -> None:
    verdicts = dict(
        connection.execute(
            "select gate, verdict from recs.gate_decisions where publication_id = ?", [publication_id]
        ).fetchall()
    )
    faults = [
        f"{gate} {verdicts.get(gate, 'gave no verdict')}"
        for gate in GATES
        if verdicts.get(gate) not in ("passed", "skipped")
    ]
    if faults:
        raise GateRefused(f"{publication_id} is not published: gate {', gate '.join(faults)}")


def _move_staged_rows(connection: duckdb.DuckDBPyConnection, run: RunRecord) -> int:
    for table in OUTPUTS:
        staged = f"recs_staging.{table.name}"
        columns = ", ".join(table.column_names)
        connection.execute(
            f"insert into {table.full_name} ({columns}) select {columns} from {staged} where publication_id = ?",
            [run.publication_id],
        )
        connection.execute(f"delete from {staged} where data_date = ?", [run.data_date])
    rows: int = connection.execute(
        "select count(*) from recs.recommendations where publication_id = ?", [run.publication_id]
    ).fetchall()[0][0]
    if rows == 0:
        raise NightjarError(f"{run.publication_id} has no staged recommendations: nothing to publish")
    return rows


def _current(connection: duckdb.DuckDBPyConnection) -> tuple[str, date] | None:
    row = connection.execute("select publication_id, data_date from recs.current_publication").fetchone()
    return (row[0], row[1]) if row else None


def _reason(run: RunRecord, moved: bool, current: tuple[str, date] | None) -> str:
    if moved:
        return f"publish={run.publish_mode}: all gates passed"
    if run.publish_mode == "never":
        return "publish=never: kept as the date's history"
    return f"older than the current {current[0] if current else 'publication'}: kept as the date's history"


def _add_entry(connection: duckdb.DuckDBPyConnection, **values: str | int | date | datetime | None) -> int:
    ledger_id: int = connection.execute("select coalesce(max(ledger_id), 0) + 1 from recs.publications").fetchall()[0][
        0
    ]
    entry = {"ledger_id": ledger_id, **values, "recorded_at": datetime.now(UTC)}
    connection.execute(
        f"insert into recs.publications ({', '.join(entry)}) values ({', '.join('?' * len(entry))})",
        list(entry.values()),
    )
    return ledger_id


def _point_to(connection: duckdb.DuckDBPyConnection, publication_id: str, data_date: date, ledger_id: int) -> None:
    connection.execute("delete from recs.current_publication")
    connection.execute(
        "insert into recs.current_publication values (?, ?, ?, ?)",
        [publication_id, data_date, ledger_id, datetime.now(UTC)],
    )
