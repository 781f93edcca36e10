"""Starts the programs of a supervisor, each when those before it do their work, and waits for all of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nightjar.contract.errors import NightjarError
from nightjar.stack.paths import Places
from nightjar.stack.program import Program
from nightjar.stack.supervisor import ProgramState, program_states, start_program

Say = Callable[[str], None]

_POLL_SECONDS = 0.5
_LOG_LINES = 15


@dataclass(frozen=True)
class Patience:
    """How long to wait, and whom to tell what has come about."""

    began: float
    seconds: float
    say: Say


def start_in_order(places: Places, programs: list[Program], environment: Mapping[str, str], patience: Patience) -> None:
    """Start programs that do not run yet, and wait until each is healthy or, if it runs once, has ended well.

    Raises:
        NightjarError: one has ended, or is not healthy in time.
    """
    _wait(places, programs, environment, patience, starts=True)


def wait_until_healthy(
    places: Places, programs: list[Program], environment: Mapping[str, str], patience: Patience
) -> None:
    """Wait for programs that were started before; one that runs for long may have ended and be back.

    Raises:
        NightjarError: one is down, or is not healthy in time.
    """
    _wait(places, programs, environment, patience, starts=False)


def _wait(
    places: Places, programs: list[Program], environment: Mapping[str, str], patience: Patience, *, starts: bool
) -> None:
    names = {each.name for each in programs}
    healthy: set[str] = set()
    started = set() if starts else set(names)
    while len(healthy) < len(programs):
        for program in programs:
            # Those that it waits for outside this list were waited for before.
            if program.name not in started and names.intersection(program.after) <= healthy:
                start_program(places, program.name)
                started.add(program.name)
        states = {each.name: each for each in program_states(places) or ()}
        for program in programs:
            if (
                program.name in started - healthy
                and _is_up(places, program, states, may_have_ended=not starts)
                and (program.ends_by_itself or program.is_healthy(environment))
            ):
                healthy.add(program.name)
                what = "has done its work" if program.ends_by_itself else "is healthy"
                patience.say(f"{time.monotonic() - patience.began:7.1f} s  {program.name} {what}")
        late = [each for each in programs if each.name in started - healthy]
        if late and time.monotonic() > patience.began + patience.seconds:
            raise _failure(places, late[0], "is not healthy in time", "not_healthy_in_time")
        if late:
            time.sleep(_POLL_SECONDS)


def _is_up(places: Places, program: Program, states: dict[str, ProgramState], *, may_have_ended: bool) -> bool:
    """Whether it runs or, if it ends by itself, has ended well."""
    if program.name not in states:
        log = places.logs / "supervisord.log"
        raise NightjarError(f"the supervisor has ended; its log: {log}", code="supervisor_ended", file=log)
    state = states[program.name]
    if program.ends_by_itself:
        if state.has_failed:
            raise _failure(places, program, "has failed", "program_ended")
        return state.has_succeeded
    if state.is_down or (state.has_ended and not may_have_ended):
        raise _failure(places, program, "has ended", "program_ended")
    return True


def _failure(places: Places, program: Program, what: str, code: str) -> NightjarError:
    log = places.logs / f"{program.name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    print("\n".join(lines), flush=True)
    return NightjarError(f"{program.name} {what}; its log: {log}", code=code, program=program.name, file=log)
