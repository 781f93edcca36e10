"""Verdicts of the gates: one row each in `recs.gate_decisions`, whether or not the night is published."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from warehouse.adapters.protocol import Warehouse, insert_row
from warehouse.named_points import reached
from warehouse.run_folder import RunRecord

Verdict = Literal["passed", "refused", "skipped"]


@dataclass(frozen=True)
class GateDecision:
    """What one gate measured and decided; `skipped` where there was nothing to compare with.

    Attributes:
        gate: its name.
        verdict: what it decided.
        reason: the comparison in words.
        measured: the figure that was judged.
        threshold: the figure it had to reach.
        metric: what the figure is, e.g. `recall@10`.
        lead_low: lower end of the interval of `measured - threshold`, where one was computed.
        lead_high: upper end; below 0 the gate is sure.
    """

    gate: str
    verdict: Verdict
    reason: str
    measured: float | None = None
    threshold: float | None = None
    metric: str | None = None
    lead_low: float | None = None
    lead_high: float | None = None


def record_decisions(warehouse: Warehouse, run: RunRecord, decisions: Sequence[GateDecision]) -> None:
    """Write the verdicts of one publication, replacing earlier verdicts of the same gates."""
    decided_at = datetime.now(UTC)
    with warehouse.transaction() as connection:
        for decision in decisions:
            connection.execute(
                "delete from recs.gate_decisions where publication_id = ? and gate = ?",
                [run.publication_id, decision.gate],
            )
            about = {"publication_id": run.publication_id, "data_date": run.data_date, "decided_at": decided_at}
            insert_row(connection, "recs.gate_decisions", about | asdict(decision))
            reached("gates:after_verdict")
    reached("gates:after_commit")
