"""Starts the stack of one home, waits until every program does its work, and stops it again."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from ml.stack.credentials import Credentials, load_credentials
from ml.stack.database import prepare_database
from ml.stack.environment import stack_environment
from ml.stack.places import Places, make_private_folder
from ml.stack.ports import check_ports
from ml.stack.processes import end_processes, stack_processes
from ml.stack.services import DATABASE, Service, services
from ml.stack.supervisor import program_states, start_program, start_supervisor
from warehouse.errors import BadInput, NightjarError
from warehouse.home import prepare_airflow, prepare_data
from warehouse.settings import Settings

Say = Callable[[str], None]

_POLL_SECONDS = 0.5
_STOP_SECONDS = 120.0
_LOG_LINES = 15


@dataclass(frozen=True)
class _Patience:
    """How long to wait, and whom to tell what has come about."""

    began: float
    seconds: float
    say: Say


def start_stack(settings: Settings, say: Say, *, deadline_seconds: float) -> bool:
    """Start what does not run yet; return whether the stack had to be started.

    Raises:
        BadInput: a port is taken, or the database cannot be kept where it shall be.
        NightjarError: a program failed or is not healthy in time; what was started is stopped again.
    """
    places = Places.of(settings)
    with _alone(places):
        credentials = load_credentials(places)
        programs = services(settings, credentials)
        patience = _Patience(time.monotonic(), deadline_seconds, say)
        if program_states(places) is not None:
            _wait_until_healthy(places, programs, patience, may_have_ended=True)
            return False
        check_ports(settings)
        try:
            _start(settings, credentials, programs, patience)
        except BaseException:
            _stop(places)
            raise
    return True


def stop_stack(settings: Settings) -> int:
    """Stop every process of the home's stack and nothing else; return how many there were."""
    places = Places.of(settings)
    if not places.folder.exists():
        return 0
    with _alone(places):
        return _stop(places)


def _start(settings: Settings, credentials: Credentials, programs: list[Service], patience: _Patience) -> None:
    places = Places.of(settings)
    environment = stack_environment(settings, credentials)
    prepare_database(places, credentials)
    prepare_data(settings)
    start_supervisor(places, programs, environment)
    _wait_until_healthy(places, [each for each in programs if each.name == DATABASE], patience)
    prepare_airflow(environment, places.database)
    others = [each for each in programs if each.name != DATABASE]
    for program in others:
        start_program(places, program.name)
    _wait_until_healthy(places, others, patience)


def _wait_until_healthy(
    places: Places, programs: list[Service], patience: _Patience, *, may_have_ended: bool = False
) -> None:
    """Wait for each program; one of a stack that runs for long may have ended once and be back."""
    waiting = list(programs)
    while waiting:
        states = {each.name: each for each in program_states(places) or ()}
        for program in list(waiting):
            if program.name not in states:
                raise NightjarError(f"the supervisor has gone: see {places.logs / 'supervisord.log'}")
            if states[program.name].is_down or (states[program.name].has_ended and not may_have_ended):
                raise NightjarError(_failure(places, program, "has ended"))
            if program.is_healthy():
                waiting.remove(program)
                patience.say(f"{time.monotonic() - patience.began:7.1f} s  {program.name} is healthy")
        if waiting and time.monotonic() > patience.began + patience.seconds:
            raise NightjarError(_failure(places, waiting[0], "is not healthy in time"))
        if waiting:
            time.sleep(_POLL_SECONDS)


def _failure(places: Places, program: Service, what: str) -> str:
    log = places.logs / f"{program.name}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    print("\n".join(lines), flush=True)
    return f"{program.name} {what}; its log: {log}"


def _stop(places: Places) -> int:
    """End the supervisor, which stops its programs in order; then what is left of tasks and orphans."""
    found = stack_processes(str(places.home))
    supervisor = _supervisor(places, found)
    if supervisor:
        end_processes([supervisor], _STOP_SECONDS)
    end_processes(stack_processes(str(places.home)), _STOP_SECONDS / 4)
    if left := stack_processes(str(places.home)):
        raise NightjarError(f"these processes do not end: {', '.join(str(each.pid) for each in left)}")
    return len(found)


def _supervisor(places: Places, found: list[psutil.Process]) -> psutil.Process | None:
    if not places.process_id.exists():
        return None
    recorded = places.process_id.read_text().strip()
    return next((each for each in found if str(each.pid) == recorded), None)


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Let no other start or stop of this home run at the same time.

    Raises:
        BadInput: one does.
    """
    make_private_folder(places.folder, os.getuid())
    with places.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(f"another start or stop of {places.home} is under way") from error
        yield
