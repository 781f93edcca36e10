"""The supervisor of a home's stack: its configuration, its start, and the states of its programs."""

import os
import re
import shlex
import subprocess
import xmlrpc.client
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from nightjar.contract.errors import BadInput, NightjarError, last_line
from nightjar.stack.credentials import write_private
from nightjar.stack.paths import StackPaths, make_private_folder
from nightjar.stack.program import DATABASE, Program, StackPlan


@dataclass(frozen=True)
class ProgramState:
    """The supervisor's state of one program.

    Attributes:
        name: the program.
        state: the supervisor's name of it, such as RUNNING.
        pid: its process, 0 while it does not run.
        has_ended: whether it ended at least once since the supervisor started.
        exit_status: of its last end, 0 before.
    """

    name: str
    state: str
    pid: int
    has_ended: bool
    exit_status: int = 0

    @property
    def is_down(self) -> bool:
        """Whether it does not run although it should."""
        return self.state in ("BACKOFF", "EXITED", "FATAL")

    @property
    def has_succeeded(self) -> bool:
        """Whether it has finished with exit status 0."""
        return self.state == "EXITED" and self.exit_status == 0

    @property
    def has_failed(self) -> bool:
        """Whether it has ended with another exit status, or could not be started."""
        return self.is_down and not self.has_succeeded


def render_config(paths: StackPaths, plan: StackPlan) -> str:
    """Return the supervisor's configuration, without any secret."""
    sections = [
        f"""[unix_http_server]
file = {_literal(str(paths.supervisor_socket))}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
identifier = nightjar
directory = {_literal(str(paths.home))}
pidfile = {_literal(str(paths.process_id))}
logfile = {_literal(str(paths.logs / "supervisord.log"))}
logfile_maxbytes = 10MB
logfile_backups = 3
nocleanup = true
{"user = root" if os.geteuid() == 0 else ""}"""
    ]
    for priority, program in enumerate(plan.programs, start=1):
        sections.append(
            f"""[program:{program.name}]
command = {_literal(shlex.join(_command(program, plan.secrets)))}
priority = {priority}
autostart = false
{_restart(program)}
stopsignal = {program.stop_signal}
stopwaitsecs = {program.stop_seconds}
{"" if program.name == DATABASE else "stopasgroup = true"}
killasgroup = true
{f"user = {program.user}" if program.user else ""}
{_environment(program)}
redirect_stderr = true
stdout_logfile = {_literal(str(paths.logs / f"{program.name}.log"))}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3"""
        )
    return "\n\n".join("\n".join(filter(None, section.splitlines())) for section in sections) + "\n"


def check_home_path(home: Path) -> None:
    """Check that the supervisor's configuration can contain the path of a home.

    Raises:
        BadInput: it has `#` or `;` after a blank, which begins a comment there.
    """
    if found := re.search(r"\s[#;]", str(home)):
        raise BadInput(
            f"NIGHTJAR_HOME={home}: a home with a stack cannot have {found[0]!r} in its path: rename it",
            code="unusable_home",
            setting="NIGHTJAR_HOME",
            value=str(home),
        )


def start_supervisor(paths: StackPaths, plan: StackPlan) -> None:
    """Write the configuration and start the supervisor in the background; it starts no program by itself.

    Raises:
        NightjarError: it did not start.
    """
    paths.logs.mkdir(parents=True, exist_ok=True)
    make_private_folder(paths.supervisor_socket.parent, os.getuid())
    write_private(paths.config, render_config(paths, plan))
    done = subprocess.run(
        ["supervisord", "-c", str(paths.config)], env=plan.environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NightjarError(
            f"the supervisor did not start: {last_line(done)}", code="command_failed", value="supervisord"
        )


def start_program(paths: StackPaths, name: str) -> None:
    """Start one program."""
    _call(paths, "startProcess", name, False)


def program_states(paths: StackPaths) -> list[ProgramState] | None:
    """Return the programs in the order of their start, or None if no supervisor answers."""
    try:
        known = _call(paths, "getAllProcessInfo")
    except (OSError, HTTPException):
        return None
    return [
        ProgramState(each["name"], each["statename"], each["pid"], each["stop"] > 0, each["exitstatus"])
        for each in known
    ]


def _call(paths: StackPaths, method: str, *arguments: object) -> Any:
    transport = SupervisorTransport(serverurl=f"unix://{paths.supervisor_socket}")
    with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
        return getattr(proxy.supervisor, method)(*arguments)


def _command(program: Program, secrets: tuple[str, ...]) -> list[str]:
    """Return the command with its variables, and without the secrets that it does not name."""
    withheld = [part for name in secrets if program.secrets.get(name) != name for part in ("-u", name)]
    variables = [f"{name}={value}" for name, value in program.environment.items()]
    return [*(["env", *withheld, *variables] if withheld or variables else []), *program.command]


def _restart(program: Program) -> str:
    if program.ends_by_itself:
        return "autorestart = false\nstartsecs = 0\nstartretries = 0"
    return "autorestart = true\nstartretries = 10"


def _environment(program: Program) -> str:
    """Return the secrets that have another name in the supervisor's environment; the supervisor fills in the values."""
    renamed = {variable: name for variable, name in program.secrets.items() if variable != name}
    pairs = (f'{variable}="%(ENV_{name})s"' for variable, name in renamed.items())
    return f"environment = {','.join(pairs)}" if renamed else ""


def _literal(text: str) -> str:
    """Return a value with the supervisor's placeholders escaped."""
    return text.replace("%", "%%")
