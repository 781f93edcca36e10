"""Starts the stack of one home, waits until every program does its work, and stops it again."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.stack.local import local_plan
from nightjar.stack.paths import Places, make_private_folder
from nightjar.stack.ports import check_ports
from nightjar.stack.processes import end_processes, stack_processes
from nightjar.stack.program import DATABASE, Plan
from nightjar.stack.start import Patience, Say, start_in_order, wait_until_healthy
from nightjar.stack.supervisor import check_home, program_states, start_supervisor
from nightjar.stack.team.plan import team_plan

PLANS: dict[str, Callable[[Settings], Plan]] = {"local": local_plan, "team": team_plan}
_STOP_SECONDS = 120.0


def start_stack(settings: Settings, say: Say, *, deadline_seconds: float) -> bool:
    """Start what does not run yet; return whether the stack had to be started.

    Raises:
        BadInput: a port is taken, the home runs a stack of another kind or has a path that the supervisor cannot take,
            or the database cannot be kept where it shall be.
        NightjarError: a program failed or is not healthy in time; what was started is stopped again.
    """
    places = Places.of(settings)
    with _alone(places):
        plan = PLANS[settings.stack_kind](settings)
        patience = Patience(time.monotonic(), deadline_seconds, say)
        running = program_states(places)
        if running is not None:
            if {each.name for each in running} != {each.name for each in plan.programs}:
                raise BadInput(
                    f"{settings.home} runs a stack of another kind or size: stop it first (make down)",
                    code="another_stack_runs",
                    path=settings.home,
                )
            wait_until_healthy(places, plan.programs, plan.environment, patience)
            return False
        check_ports(settings)
        check_home(settings.home)
        try:
            _start(places, plan, patience)
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


def _start(places: Places, plan: Plan, patience: Patience) -> None:
    plan.prepare()
    start_supervisor(places, plan)
    database = [each for each in plan.programs if each.name == DATABASE]
    start_in_order(places, database, plan.environment, patience)
    plan.initialise()
    others = [each for each in plan.programs if each not in database]
    start_in_order(places, others, plan.environment, patience)


def _stop(places: Places) -> int:
    """End the supervisor, which stops its programs in order; then what is left of tasks and orphans."""
    found = stack_processes(str(places.home))
    supervisor = _supervisor(places, found)
    if supervisor:
        end_processes([supervisor], _STOP_SECONDS)
    end_processes(stack_processes(str(places.home)), _STOP_SECONDS / 4)
    if left := stack_processes(str(places.home)):
        pids = [each.pid for each in left]
        raise NightjarError(f"processes {pids} do not end: end them by hand", code="processes_do_not_end", value=pids)
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
            raise BadInput(
                f"another start or stop of {places.home} is under way: wait for it",
                code="start_under_way",
                path=places.home,
            ) from error
        yield
