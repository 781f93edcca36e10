"""Starts the stack of one home, waits until every program is healthy, and stops it again."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.stack.local_plan import local_plan
from nightjar.stack.paths import StackPaths, make_private_folder
from nightjar.stack.ports import check_ports
from nightjar.stack.processes import end_processes, stack_processes
from nightjar.stack.program import DATABASE, StackPlan
from nightjar.stack.start_programs import Report, StartLimits, start_in_order, wait_until_healthy
from nightjar.stack.supervisor import check_home_path, program_states, start_supervisor
from nightjar.stack.team.team_plan import team_plan

PLANS: dict[str, Callable[[Settings], StackPlan]] = {"local": local_plan, "team": team_plan}
_STOP_SECONDS = 120.0


def start_stack(settings: Settings, report: Report, *, deadline_seconds: float) -> bool:
    """Start the stack if it does not run; return whether it was started.

    Raises:
        BadInput: a port is in use, the home runs a stack of another kind or has a path that the supervisor cannot use,
            or the database cannot be stored in its folder.
        NightjarError: a program failed or is not healthy in time; the started programs are stopped again.
    """
    paths = StackPaths.of(settings)
    with _exclusive_lock(paths):
        plan = PLANS[settings.stack_kind](settings)
        limits = StartLimits(time.monotonic(), deadline_seconds, report)
        running = program_states(paths)
        if running is not None:
            if {each.name for each in running} != {each.name for each in plan.programs}:
                raise BadInput(
                    f"{settings.home} runs a stack of another kind or size: stop it first (make down)",
                    code="another_stack_runs",
                    path=settings.home,
                )
            wait_until_healthy(paths, plan.programs, plan.environment, limits)
            return False
        check_ports(settings)
        check_home_path(settings.home)
        try:
            _start(paths, plan, limits)
        except BaseException:
            _stop(paths)
            raise
    return True


def stop_stack(settings: Settings) -> int:
    """Stop every process of the home's stack and nothing else; return their number."""
    paths = StackPaths.of(settings)
    if not paths.folder.exists():
        return 0
    with _exclusive_lock(paths):
        return _stop(paths)


def _start(paths: StackPaths, plan: StackPlan, limits: StartLimits) -> None:
    plan.prepare()
    start_supervisor(paths, plan)
    database = [each for each in plan.programs if each.name == DATABASE]
    start_in_order(paths, database, plan.environment, limits)
    plan.initialise()
    others = [each for each in plan.programs if each not in database]
    start_in_order(paths, others, plan.environment, limits)


def _stop(paths: StackPaths) -> int:
    """Stop the supervisor, which stops its programs in order; then the remaining tasks and orphans."""
    processes = stack_processes(str(paths.home))
    supervisor = _supervisor(paths, processes)
    if supervisor:
        end_processes([supervisor], _STOP_SECONDS)
    end_processes(stack_processes(str(paths.home)), _STOP_SECONDS / 4)
    if left := stack_processes(str(paths.home)):
        pids = [each.pid for each in left]
        raise NightjarError(f"processes {pids} do not end: stop them by hand", code="processes_do_not_end", value=pids)
    return len(processes)


def _supervisor(paths: StackPaths, processes: list[psutil.Process]) -> psutil.Process | None:
    if not paths.process_id.exists():
        return None
    recorded = paths.process_id.read_text().strip()
    return next((each for each in processes if str(each.pid) == recorded), None)


@contextmanager
def _exclusive_lock(paths: StackPaths) -> Iterator[None]:
    """Hold the lock that allows one start or stop of this home at a time.

    Raises:
        BadInput: another one is under way.
    """
    make_private_folder(paths.folder, os.getuid())
    with paths.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(
                f"another start or stop of {paths.home} is under way: wait for it",
                code="start_under_way",
                path=paths.home,
            ) from error
        yield
