"""Starts the programs of a supervisor, each when those before it are healthy, and waits for all of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nightjar.contract.errors import NightjarError
from nightjar.stack.paths import StackPaths
from nightjar.stack.program import Program
from nightjar.stack.supervisor import ProgramState, program_states, start_program

Report = Callable[[str], None]

_POLL_SECONDS = 0.5
_LOG_LINES = 15


@dataclass(frozen=True)
class StartLimits:
    """How long to wait, and where to report each program that is healthy."""

    began: float
    seconds: float
    report: Report


def start_in_order(
    paths: StackPaths, programs: list[Program], environment: Mapping[str, str], limits: StartLimits
) -> None:
    """Start programs that do not run yet, and wait until each is healthy or, if it runs once, has exited with 0.

    Raises:
        NightjarError: one has ended, or is not healthy in time.
    """
    _wait(paths, programs, environment, limits, starts=True)


def wait_until_healthy(
    paths: StackPaths, programs: list[Program], environment: Mapping[str, str], limits: StartLimits
) -> None:
    """Wait for programs that were started before; a server may have ended and restarted.

    Raises:
        NightjarError: one is down, or is not healthy in time.
    """
    _wait(paths, programs, environment, limits, starts=False)


def _wait(
    paths: StackPaths, programs: list[Program], environment: Mapping[str, str], limits: StartLimits, *, starts: bool
) -> None:
    names = {each.name for each in programs}
    healthy: set[str] = set()
    started = set() if starts else set(names)
    while len(healthy) < len(programs):
        for program in programs:
            # Programs outside this list are healthy already.
            if program.name not in started and names.intersection(program.after) <= healthy:
                start_program(paths, program.name)
                started.add(program.name)
        states = {each.name: each for each in program_states(paths) or ()}
        for program in programs:
            if (
                program.name in started - healthy
                and _is_up(paths, program, states, may_have_ended=not starts)
                and (program.ends_by_itself or program.is_healthy(environment))
            ):
                healthy.add(program.name)
                what = "has finished" if program.ends_by_itself else "is healthy"
                limits.report(f"{time.monotonic() - limits.began:7.1f} s  {program.name} {what}")
        late = [each for each in programs if each.name in started - healthy]
        if late and time.monotonic() > limits.began + limits.seconds:
            raise _failure(paths, late[0], "is not healthy in time", "not_healthy_in_time")
        if late:
            time.sleep(_POLL_SECONDS)


def _is_up(paths: StackPaths, program: Program, states: dict[str, ProgramState], *, may_have_ended: bool) -> bool:
    """Return whether it runs or, if it ends by itself, has exited with 0."""
    if program.name not in states:
        log = paths.logs / "supervisord.log"
        raise NightjarError(f"the supervisor has ended; its log: {log}", code="supervisor_ended", file=log)
    state = states[program.name]
    if program.ends_by_itself:
        if state.has_failed:
            raise _failure(paths, program, "has failed", "program_ended")
        return state.has_succeeded
    if state.is_down or (state.has_ended and not may_have_ended):
        raise _failure(paths, program, "has ended", "program_ended")
    return True


def _failure(paths: StackPaths, program: Program, what: str, code: str) -> NightjarError:
    log = paths.logs / f"{program.name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    print("\n".join(lines), flush=True)
    return NightjarError(f"{program.name} {what}; its log: {log}", code=code, program=program.name, file=log)
