"""Runs dbt commands on one home's warehouse and returns their results.

Each runs in its own process, because dbt keeps the DuckDB file open for as long as its process lives.
"""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from nightjar.contract import prepared_commands
from nightjar.contract.environment import child_environment
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.places import DBT_PROJECT
from nightjar.contract.prepared_commands import FORK_SERVER, PreparedCommand
from nightjar.contract.run_folder import RunRecord
from nightjar.contract.settings import Settings
from nightjar.warehouse.dbt_failures import NodeResult, is_transient, without_macro_calls
from nightjar.warehouse.dbt_log import EndedNode, last_error, parse_ended_node
from nightjar.warehouse.duckdb.busy_file import is_locked
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Connection, Warehouse

_PROCESS = "nightjar.warehouse.dbt_process"
# They differ between runs. On the command line, each change would make dbt parse the whole project again.
_OF_RUN = ("interval_start", "interval_end", "publication_id")
_OPENS_WAREHOUSE = ("build", "run", "test")


def manifest_path(settings: Settings) -> Path:
    """The compiled project: dbt reads it instead of parsing again, and the page about tables is written from it."""
    return settings.dbt_state / "manifest.json"


def run_dbt(
    settings: Settings,
    *arguments: str,
    variables: dict[str, str] | None = None,
    on_node_ended: Callable[[EndedNode], None] = lambda ended: None,
) -> list[NodeResult]:
    """Run one dbt command, print a line for each node that ends, and return the result of each.

    Args:
        settings: of the home.
        arguments: the command and its options.
        variables: values of the project's variables.
        on_node_ended: called for each node that ended, after its line is printed.

    Raises:
        BadInput: the project cannot be read; with dbt's message.
        NightjarError: dbt stopped before it ran the nodes by a transient failure, or was killed.
    """
    settings.dbt_state.mkdir(parents=True, exist_ok=True)
    results = settings.dbt_state / "run_results.json"
    options = ["--no-use-colors", "--log-format", "json", *arguments]
    given = variables or setting_variables(settings)
    of_run = {name: given[name] for name in _OF_RUN if name in given}
    constant = {name: value for name, value in given.items() if name not in of_run}
    options += ["--target", settings.warehouse_engine, "--vars", json.dumps(constant)]
    environment = _environment(settings) | {f"NIGHTJAR_RUN_{name.upper()}": value for name, value in of_run.items()}
    deadline = time.monotonic() + 60 * settings.warehouse_busy_minutes
    while True:
        results.unlink(missing_ok=True)
        if arguments[0] in _OPENS_WAREHOUSE:
            open_warehouse(settings).wait_until_writable()
        exit_code, lines = _run(options, environment, on_node_ended)
        # Another process may have opened the file since the wait; dbt gives up after a few seconds.
        if not any(map(is_locked, lines)) or time.monotonic() > deadline:
            break
    if not results.exists():
        if exit_code == 0:
            return []
        raise _stopped(arguments[0], exit_code, last_error(lines))
    return [
        NodeResult(
            each["unique_id"].split(".")[2],
            each["status"],
            int(each["failures"] or 0),
            str(each["message"] or ""),
            each["unique_id"].split(".")[0],
            str(each.get("compiled_code") or ""),
        )
        for each in json.loads(results.read_text(encoding="utf-8"))["results"]
    ]


def _run(
    options: list[str], environment: dict[str, str], on_node_ended: Callable[[EndedNode], None]
) -> tuple[int, list[str]]:
    lines: list[str] = []
    with _started(options, environment) as process:
        for output in process.stdout or ():
            line = output.decode("utf-8", errors="replace")
            lines.append(line)
            if ended := parse_ended_node(line):
                print(ended.text, flush=True)
                on_node_ended(ended)
    return process.wait(), lines


@contextmanager
def _started(options: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes] | PreparedCommand]:
    forked = prepared_commands.start(FORK_SERVER, f"{_PROCESS}:main", ["dbt", *options], environment, DBT_PROJECT)
    if forked is not None:
        yield forked
        return
    with subprocess.Popen(
        [sys.executable, "-m", _PROCESS, *options],
        cwd=DBT_PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        yield process


def with_failing_rows(warehouse: Warehouse, results: Sequence[NodeResult], most: int = 3) -> list[NodeResult]:
    """Return the results with the first rows that broke each failed test, as text, of up to five tests."""
    failed = [each for each in results if each.status == "fail" and each.query][:5]
    if not failed:
        return list(results)
    with warehouse.connect(read_only=True) as connection:
        found = {each.name: _rows(connection, each.query, most) for each in failed}
    return [replace(each, rows=found.get(each.name, ())) for each in results]


def _rows(connection: Connection, query: str, most: int) -> tuple[str, ...]:
    answer = connection.execute(query)
    names = [column[0] for column in answer.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in itertools.islice(iter(answer.fetchone, None), most)]
    return tuple(
        f"{row['what']}: expected {row['expected']}, got {row['got']}"
        if {"what", "expected", "got"} <= row.keys()
        else ", ".join(f"{name}={value}" for name, value in row.items())
        for row in rows
    )


def run_variables(settings: Settings, *, interval_start: str, interval_end: str, publication_id: str) -> dict[str, str]:
    """Return the variables of every dbt command of one run."""
    of_run = {"interval_start": interval_start, "interval_end": interval_end, "publication_id": publication_id}
    return {**setting_variables(settings), **of_run}


def setting_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that follow from the settings.

    All commands get them all: dbt parses the whole project again when they differ from the command before.
    """
    return {
        "lookback_days": str(settings.lookback_days),
        "top_k": str(settings.top_k),
        "repeat_after_days": json.dumps(dict(settings.repeats.days), sort_keys=True, ensure_ascii=False),
        "attribution_window_hours": str(settings.attribution_window_hours),
        "attribution_touch": settings.attribution_touch,
        "control_variant": settings.control_variant,
        "unknown_event_weight": str(settings.unknown_event_weight),
    }


def attempt_variables(settings: Settings, run: RunRecord) -> dict[str, str]:
    """Return the variables of every dbt command of one attempt."""
    return run_variables(
        settings,
        interval_start=run.interval.start.isoformat(),
        interval_end=run.interval.end.isoformat(),
        publication_id=run.publication_id,
    )


def write_manifest(settings: Settings) -> None:
    """Compile the project when one of its files is newer than the manifest."""
    manifest = manifest_path(settings)
    newest = max(path.stat().st_mtime for path in DBT_PROJECT.rglob("*") if path.is_file())
    if not manifest.exists() or manifest.stat().st_mtime < newest:
        run_dbt(settings, "parse")


def tables_page(settings: Settings) -> Path:
    """The page about every table and column: one file that needs no network."""
    return settings.dbt_state / "static_index.html"


def write_tables_page(settings: Settings) -> None:
    """Write the page when one of the project's files is newer; the warehouse is not opened for it."""
    write_manifest(settings)
    page = tables_page(settings)
    if not page.exists() or page.stat().st_mtime < manifest_path(settings).stat().st_mtime:
        run_dbt(settings, "docs", "generate", "--quiet", "--static", "--no-compile", "--empty-catalog")


def _stopped(command: str, exit_code: int, message: str) -> NightjarError:
    if exit_code < 0:
        return NightjarError(
            f"dbt {command} was killed by signal {-exit_code}: a user ended it, or memory ran out",
            code="killed",
            command=f"dbt {command}",
            signal=-exit_code,
        )
    kind = NightjarError if is_transient(message) else BadInput
    return kind(
        f"dbt {command} failed: {without_macro_calls(message) or f'it ended with exit code {exit_code}'}",
        code="command_failed",
        command=f"dbt {command}",
        exit_code=exit_code,
    )


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **child_environment(settings),
        "DBT_TARGET_PATH": str(settings.dbt_state),
        "DBT_LOG_PATH": str(settings.dbt_state / "logs"),
    }
