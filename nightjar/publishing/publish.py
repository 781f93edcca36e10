"""Publishes an attempt: its staged rows, the ledger's entry and the pointer move in one transaction.

Reads `recs_staging` and `recs.gate_decisions`, writes the output tables of `recs`; used by the stage publish.
"""

from datetime import date

from nightjar.contract.errors import GateRefused, NightjarError
from nightjar.contract.failpoints import failpoint
from nightjar.contract.gates import REQUIRED_GATES
from nightjar.contract.run_folder import RunRecord
from nightjar.publishing.attempts import check_not_superseded
from nightjar.publishing.integrity import record_row_counts
from nightjar.publishing.ledger import Published, add_entry, current_publication, point_to
from nightjar.warehouse.protocol import Connection, Warehouse


def publish(
    warehouse: Warehouse, run: RunRecord, *, model_uri: str, mlflow_run_id: str, content_hash: str
) -> Published:
    """Publish the staged rows of an attempt; a second call for the same attempt changes nothing.

    `current` moves when the attempt's date is not older than the current one's (`auto`), always (`force`) or
    never (`never`); the rows become the date's history in each case.

    Raises:
        GateRefused: a gate refused the attempt, or gave no verdict on it.
        NightjarError: a newer attempt at the date has begun, or nothing was staged that could be recommended.
    """
    with warehouse.transaction() as connection:
        earlier = _entry_of(connection, run.publication_id)
        if earlier is not None:
            return earlier
        check_not_superseded(connection, run)
        _check_gates(connection, run.publication_id)
        failpoint("publish:before_rows")
        warehouse.move_staged_rows(connection, run.publication_id, run.data_date)
        failpoint("publish:after_rows")
        rows = _recommendations(connection, run)
        record_row_counts(connection, run)
        current = current_publication(connection)
        moved = run.publish_mode == "force" or (
            run.publish_mode == "auto" and (current is None or run.data_date >= current[1])
        )
        previous = current[0] if current else None
        entry = add_entry(
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
        failpoint("publish:after_ledger")
        if moved:
            point_to(connection, run.publication_id, run.data_date, entry)
        failpoint("publish:before_commit")
    failpoint("publish:after_commit")
    return Published(entry, run.publication_id, previous, moved)


def _entry_of(connection: Connection, publication_id: str) -> Published | None:
    row = connection.execute(
        "select ledger_id, previous_publication_id, action = 'published' from recs.publications "
        "where publication_id = ? and action in ('published', 'history')",
        [publication_id],
    ).fetchone()
    return Published(row[0], publication_id, row[1], row[2]) if row else None


def _check_gates(connection: Connection, publication_id: str) -> None:
    verdicts = dict(
        connection.execute(
            "select gate, verdict from recs.gate_decisions where publication_id = ?", [publication_id]
        ).fetchall()
    )
    required = {gate: verdicts.get(gate) for gate in REQUIRED_GATES}
    unmet = {gate: verdict for gate, verdict in required.items() if verdict not in ("passed", "skipped")}
    if unmet:
        faults = [f"gate {gate} {verdict or 'gave no verdict'}" for gate, verdict in unmet.items()]
        raise GateRefused(
            f"{publication_id} is not published: {', '.join(faults)}",
            code="gate_refused",
            publication_id=publication_id,
            gate=next(iter(unmet)),
            verdicts=unmet,
        )


def _recommendations(connection: Connection, run: RunRecord) -> int:
    rows, popular = (
        connection.execute(
            f"select count(*) from recs.{table} where publication_id = ?",  # noqa: S608 the module's own constants
            [run.publication_id],
        ).fetchall()[0][0]
        for table in ("recommendations", "popular_items")
    )
    # Users who have seen every item have no recommendations; unknown users still have the popular items.
    if rows == 0 and popular == 0:
        raise NightjarError(
            f"{run.publication_id} has staged neither recommendations nor popular items: nothing to publish",
            code="nothing_staged",
            publication_id=run.publication_id,
        )
    return int(rows)


def _reason(run: RunRecord, moved: bool, current: tuple[str, date] | None) -> str:
    if moved:
        return f"publish={run.publish_mode}: all gates passed"
    if run.publish_mode == "never":
        return "publish=never: kept as the date's history"
    return f"older than the current {current[0] if current else 'publication'}: kept as the date's history"
