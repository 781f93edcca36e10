"""Decisions of the gates: one row each in `recs.gate_decisions`, whether or not the run is published."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from nightjar.contract.failpoints import failpoint
from nightjar.contract.gates import GATES, GateDecision
from nightjar.contract.run_folder import RunRecord
from nightjar.warehouse.protocol import Warehouse, insert_row


def record_decisions(warehouse: Warehouse, run: RunRecord, decisions: Sequence[GateDecision]) -> None:
    """Write the decisions on one publication, replacing earlier ones of the same gates.

    Raises:
        ValueError: a gate is not in the registry, so no publication would ask for it.
    """
    if unregistered := {each.gate for each in decisions} - {gate.name for gate in GATES}:
        raise ValueError(f"{', '.join(sorted(unregistered))}: not in nightjar.contract.gates.GATES")
    decided_at = datetime.now(UTC)
    with warehouse.transaction() as connection:
        for decision in decisions:
            connection.execute(
                "delete from recs.gate_decisions where publication_id = ? and gate = ?",
                [run.publication_id, decision.gate],
            )
            about = {"publication_id": run.publication_id, "data_date": run.data_date, "decided_at": decided_at}
            insert_row(connection, "recs.gate_decisions", about | asdict(decision))
            failpoint("gates:after_verdict")
    failpoint("gates:after_commit")
