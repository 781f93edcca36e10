"""What a gate decides: passed, refused or skipped, with the figures that it compared."""

from dataclasses import dataclass
from typing import Literal

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
