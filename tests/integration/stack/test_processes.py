import os
import subprocess
import sys

from nightjar.contract.environment import STACK_MARK
from nightjar.stack.processes import end_processes, stack_processes

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"


def start(program: str, home: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, STACK_MARK: home},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_processes_of_a_home_end_and_are_killed_if_they_ignore_signals(tmp_path: object) -> None:
    mine, other = f"{tmp_path}/mine", f"{tmp_path}/other"
    with start(STUBBORN, mine) as stubborn, start(STUBBORN, other) as bystander:
        matches = stack_processes(mine)
        assert [each.pid for each in matches] == [stubborn.pid]
        end_processes(matches, wait_seconds=0.2)
        assert stack_processes(mine) == []
        assert [each.pid for each in stack_processes(other)] == [bystander.pid]
        bystander.kill()
