"""The registry of gates: what each compares, in which stage group it decides, and what a decision of one holds.

A new gate is a line in `GATES` and a function that returns its `GateDecision`.
"""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["passed", "refused", "skipped"]


@dataclass(frozen=True)
class Gate:
    """One check that can refuse a publication.

    Attributes:
        name: as in `recs.gate_decisions`.
        group: the stage group in which it decides; a run that leaves the group out takes its decision over.
        compares: what it compares with what.
        is_required: whether nothing is published before it has passed or was skipped.
    """

    name: str
    group: str
    compares: str
    is_required: bool = True


GATES = (
    Gate("inputs", "inputs", "the dbt tests of facts and dimensions: none may fail"),
    Gate("popularity", "model", "recall@k and NDCG@k with those of the popularity baseline on the same holdout"),
    Gate("champion", "model", "recall@k and NDCG@k with those of the refit of the champion on the same holdout"),
    Gate("champion_record", "model", "recall@k with what the champion had on the holdout of its own run"),
    Gate("coverage", "model", "coverage@k with a floor and with that of the refit of the champion"),
    Gate("retrieval_recall", "serving", "recall@k of the index `retrieval` with a floor, against exact search"),
    Gate("similarity_recall", "serving", "recall@k of the index `similarity` with a floor, against exact search"),
    Gate("outputs", "publication", "the dbt tests of the staged rows: none may fail"),
)

REQUIRED_GATES = tuple(gate.name for gate in GATES if gate.is_required)


def gates_of(*groups: str) -> tuple[str, ...]:
    """Return the names of the gates that decide in these stage groups, in the order of the registry."""
    return tuple(gate.name for gate in GATES if gate.group in groups)


def recall_gate(index_name: str) -> str:
    """Return the name of the gate that compares the recall of an index."""
    return f"{index_name}_recall"


def gates_page() -> str:
    """Return the gates as a table in Markdown."""
    rows = [f"| `{gate.name}` | `{gate.group}` | {gate.compares} |" for gate in GATES]
    return "\n".join(["| gate | stage group | compares |", "|---|---|---|", *rows]) + "\n"


@dataclass(frozen=True)
class GateDecision:
    """What one gate measured and decided; `skipped` where there was nothing to compare with.

    Attributes:
        gate: its name.
        verdict: what it decided.
        reason: the comparison in words.
        measured: the figure that it compared.
        threshold: the figure that `measured` had to reach.
        metric: what the figure is, e.g. `recall@10`.
        lead_low: lower end of the interval of `measured - threshold`, where one was computed.
        lead_high: upper end; below 0 the model is significantly worse.
    """

    gate: str
    verdict: Verdict
    reason: str
    measured: float | None = None
    threshold: float | None = None
    metric: str | None = None
    lead_low: float | None = None
    lead_high: float | None = None
