"""Explains why a dbt node failed: its name, file and line, the value, and what to do.

Used by the stages that build and test models. Pure, except that it looks up lines in the project's files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.places import DBT_PROJECT

# The engine was busy, out of reach or out of space: the same command may succeed later.
_TRANSIENT = re.compile(
    "|".join(
        (
            r"set lock|conflicting lock|lock timeout|deadlock|could not serialize|canceling statement",
            r"too many (clients|connections)|too many open files|starting up|shutting down|SSL SYSCALL",
            r"connection (refused|reset|timed out|to server|already closed|not open)|terminating connection",
            r"server closed the connection|could not (connect|translate host|extend|write)",
            r"no space left|quota exceeded|out of memory|interrupted",
        )
    ),
    re.IGNORECASE,
)
_HEADING = re.compile(r"^(?P<kind>[\w ]+ Error) in (?P<node>[\w ]+) \((?P<path>[^)]+)\)$")
_POINTER = re.compile(r"^LINE \d+: (?P<text>.*)$")
_QUOTED = re.compile(r'"(\w+)"')
# How the engines name a column, and a value that they could not convert.
_COLUMN = re.compile(r'[Cc]olumn "([^"]+)"')
_VALUE = re.compile(r'(?:string|for type [\w ]+:) "([^"]*)"')
# A row of the table in which dbt compares a model with its contract.
_MISMATCH = re.compile(
    r"^\|\s*(?P<column>[^|]+?)\s*\|\s*(?P<is>[^|]*?)\s*\|\s*(?P<wanted>[^|]*?)\s*\|\s*(?P<why>[^|]*?)\s*\|$"
)
# Lines from here on name dbt's own macros and files.
_NOISE = re.compile(r"^(> in macro|> called by|compiled code at)")
_LONGEST = 400


@dataclass(frozen=True)
class NodeResult:
    """How one dbt node ended.

    Attributes:
        name: without the project's name.
        status: as dbt names it.
        failures: how many rows broke a test.
        message: of dbt or the engine.
        kind: model, test or unit_test.
        query: the compiled SQL; that of a test selects the rows that break it.
        rows: some of these rows as text.
    """

    name: str
    status: str
    failures: int
    message: str
    kind: str = "model"
    query: str = ""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why a node failed; as text it is one line.

    Attributes:
        code: `contract_broken`, `test_failed` or `node_failed`.
        node: its name.
        kind: model, test or unit_test.
        file: in the project; empty where dbt names none.
        line: of that file, from 1; 0 where it is unknown.
        columns: named by the engine or the contract.
        value: that the engine could not convert; empty where it names none.
        text: the line.
    """

    code: str
    node: str
    kind: str
    file: str
    line: int
    columns: tuple[str, ...]
    value: str
    text: str

    def __str__(self) -> str:
        return self.text


def failed_nodes_error(stage: str, failed: Sequence[NodeResult], skipped: int = 0) -> NightjarError:
    """Return the error of a command whose nodes failed: `BadInput`, unless the failure is transient.

    Args:
        stage: that ran the command.
        failed: at least one node, in the order in which they ended.
        skipped: how many nodes were not built, because they depend on a failed one.
    """
    first, *others = failed
    why = explain(first)
    also = f"; so did {', '.join(each.name for each in others[:5])}" if others else ""
    behind = f"; {skipped} that depend on it were not built" if skipped else ""
    text = f"{stage}: {why}{also}{behind}"
    named = {name: value for name, value in vars(why).items() if name not in ("code", "text")}
    fields = {"stage": stage, **named, "others": [each.name for each in others], "skipped": skipped}
    if is_transient("\n".join(each.message for each in failed)):
        return NightjarError(text, code="engine_unavailable", **fields)
    advice = "correct it, then clear the task: the whole selection is built again"
    return BadInput(f"{text}; {advice}", code=why.code, **fields)


def is_transient(message: str) -> bool:
    """Return whether a message of dbt or the engine is of a failure that may pass without a change."""
    return _TRANSIENT.search(message) is not None


def explain(result: NodeResult, project: Path = DBT_PROJECT) -> Explanation:
    """Return why a node failed: kind, name, file, the line where the engine points to one, and its message."""
    lines = [line.strip() for line in result.message.splitlines()]
    heading = _HEADING.match(lines[0]) if lines else None
    path = heading["path"] if heading else ""
    pointer = next((found["text"] for line in lines if (found := _POINTER.match(line))), "")
    line = _line_of(project / path, pointer, lines[1:2], result.query) if path and pointer else 0
    place = f" ({project.name}/{path}{f', line {line}' if line else ''})" if path else ""
    near = f" near: {pointer}" if pointer and not line else ""
    mismatches = _mismatches(lines)
    columns = list(mismatches) or _COLUMN.findall(result.message)
    value = _VALUE.search(result.message)
    code = "contract_broken" if mismatches else "test_failed" if result.status == "fail" else "node_failed"
    return Explanation(
        code=code,
        node=result.name,
        kind=result.kind,
        file=path,
        line=line,
        columns=tuple(dict.fromkeys(columns)),
        value=value[1] if value else "",
        text=f"{result.kind} {result.name}{place}: {_message_line(lines[1:] if heading else lines)}{near}",
    )


def without_macro_calls(message: str) -> str:
    """Return a message of dbt as one line, without the calls of its macros."""
    return _message_line([line.strip() for line in message.splitlines()])


def _message_line(lines: Sequence[str]) -> str:
    if mismatches := _mismatches(lines):
        return f"the model breaks its contract: {'; '.join(mismatches.values())}; make the model and its yml agree"
    kept: list[str] = []
    for line in lines:
        if _NOISE.match(line) or _POINTER.match(line) or (not line and len(kept) > 1):
            break
        kept.append(line)
    text = " ".join(" ".join(kept).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _mismatches(lines: Sequence[str]) -> dict[str, str]:
    """Return the fault of each column that breaks its model's contract."""
    found = {}
    for row in filter(None, map(_MISMATCH.match, lines)):
        column, kind, wanted, why = row.groups()
        if why != "mismatch_reason" and not set(why) <= {"-"}:
            found[column] = (
                f"column {column} is {kind or 'missing'}, the contract says {wanted or 'that there is none'}"
            )
    return found


def _line_of(path: Path, pointer: str, messages: Sequence[str], query: str) -> int:
    """Return the line of a model's file that the engine points to, from 1; 0 where it is unknown.

    The engine counts lines of the compiled statement. So it is the only line with a name that the engine quotes, or
    with the text that it points at; else the compiled line, where the file has as many lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    names = [rf"\b{re.escape(name)}\b" for text in messages for name in _QUOTED.findall(text)]
    pointed = pointer.strip().removeprefix("...").removesuffix("...").strip()
    for pattern in [*names, *([re.escape(pointed)] if pointed else [])]:
        if number := _only_line(lines, pattern):
            return number
    compiled = query.splitlines()
    return _only_line(compiled, re.escape(pointed)) if pointed and len(compiled) == len(lines) else 0


def _only_line(lines: Sequence[str], pattern: str) -> int:
    found = [number for number, line in enumerate(lines, start=1) if re.search(pattern, line)]
    return found[0] if len(found) == 1 else 0
