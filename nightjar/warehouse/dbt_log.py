"""Reads dbt's log: one JSON object a line.

Used by `nightjar.warehouse.dbt_runner`. Pure.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_RESULTS = {"LogModelResult", "LogTestResult", "LogUnitTestResult"}
_TRACES = {"MainStackTrace", "LogDebugStackTrace"}
# The answer of an engine to a statement, with the number of rows: `INSERT 0 13`, `SELECT 13`.
_ROWS = re.compile(r"(?:INSERT|SELECT|MERGE|CREATE TABLE)\b.*?(\d+)$")


@dataclass(frozen=True)
class EndedNode:
    """One node that ended; `rows`: how many it wrote, where the engine reports that."""

    name: str
    status: str
    seconds: float
    rows: int | None

    @property
    def text(self) -> str:
        """One line for a log."""
        rows = "" if self.rows is None else f"{self.rows:,} rows, "
        return f"{self.name}: {self.status}, {rows}{self.seconds:.1f} s"


def parse_ended_node(line: str) -> EndedNode | None:
    """Return the node that ended by a line of the log; None for other lines."""
    event = _event(line)
    if event is None or event["info"]["name"] not in _RESULTS:
        return None
    data = event["data"]
    node = data["node_info"]
    place = node.get("node_relation") or {}
    is_table = node["resource_type"] == "model" and place.get("schema")
    answer = _ROWS.search(str(data.get("status", "")))
    return EndedNode(
        name=f"{place['schema']}.{place['alias']}" if is_table else str(node["node_name"]),
        status=str(node["node_status"]),
        seconds=float(data["execution_time"]),
        rows=int(answer[1]) if answer else None,
    )


def last_error(lines: Sequence[str]) -> str:
    """Return the last error of the log, else its last message; empty where there is none."""
    events = [_event(line) for line in lines]
    errors = [
        str(event["data"].get("exc") or event["info"]["msg"])
        for event in events
        if event and event["info"]["level"] == "error" and event["info"]["name"] not in _TRACES
    ]
    messages = [str(event["info"]["msg"]) if event else line for event, line in zip(events, lines, strict=True)]
    return next((each for each in [*reversed(errors), *reversed(messages)] if each.strip()), "").strip()


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "info" in event and "data" in event else None
