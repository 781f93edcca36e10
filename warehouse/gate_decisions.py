"""Verdicts of the gates: one row each in `recs.gate_decisions`, whether or not the night is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from warehouse.adapters.protocol import Warehouse
from warehouse.run_folder import RunRecord

Verdict = Literal["passed", "refused", "skipped"]


@dataclass(frozen=True)
class GateDecision:
    """What one gate measured and decided; `skipped` where there was nothing to compare with."""

    gate: str
    verdict: Verdict
    reason: str
    measured: float | None = None
    threshold: float | None = None


def record_decisions(warehouse: Warehouse, run: RunRecord, decisions: Sequence[GateDecision]) -> None:
    """Write the verdicts of one publication, replacing earlier verdicts of the same gates."""
    decided_at = datetime.now(UTC)
    with warehouse.transaction() as connection:
        for decision in decisions:
            connection.execute(
                "delete from recs.gate_decisions where publication_id = ? and gate = ?",
                [run.publication_id, decision.gate],
            )
            connection.execute(
                "insert into recs.gate_decisions values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    run.publication_id,
                    run.data_date,
                    decision.gate,
                    decision.verdict,
                    decision.reason,
                    decision.measured,
                    decision.threshold,
                    decided_at,
                ],
            )
