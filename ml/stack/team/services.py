"""The programs of a team's stack as processes of this machine, for the supervisor."""

import subprocess
from collections.abc import Callable
from functools import partial

from ml.stack.database import system_user
from ml.stack.services import Service
from ml.stack.team.environments import REACHED_AS
from ml.stack.team.program import Program
from ml.stack.team.programs import programs
from ml.stack.team.secrets_file import SECRETS
from ml.stack.team.site import POSTGRES, Site

_CHECK_SECONDS = 30


def team_services(site: Site, environment: dict[str, str]) -> list[Service]:
    """Return the programs as the supervisor starts them, from an environment that holds every secret."""
    return [_service(site, program, environment) for program in programs(site)]


def _service(site: Site, program: Program, environment: dict[str, str]) -> Service:
    renamed = {variable: name for variable, name in program.secrets.items() if variable != name}
    withheld = [name for name in SECRETS if name not in program.secrets]
    named = {name for name in REACHED_AS if environment.get(name)}
    plain = {name: value for name, value in {**site.environment, **program.environment}.items() if name not in named}
    return Service(
        program.name,
        [
            *("env", *(part for name in withheld for part in ("-u", name))),
            *(f"{name}={value}" for name, value in plain.items()),
            *program.command,
        ],
        _check(program.check, environment),
        stop_signal=program.stop_signal,
        user=system_user() if program.name == POSTGRES else None,
        after=tuple(program.after),
        once=program.ends_by_itself,
        renamed=renamed,
    )


def _check(command: list[str], environment: dict[str, str]) -> Callable[[], bool]:
    return partial(_succeeds, command, environment)


def _succeeds(command: list[str], environment: dict[str, str]) -> bool:
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_CHECK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
