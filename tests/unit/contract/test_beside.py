"""Work in a process beside this one: its result, its error, its end."""

import os
import signal
import time

import psutil
import pytest

from nightjar.contract import beside as module
from nightjar.contract.beside import beside
from nightjar.contract.errors import BadInput, NightjarError
from tests.support.refusals import refused

pytestmark = pytest.mark.skipif(module.cores() == 1, reason="one core")


def test_work_beside_has_a_process_of_its_own_and_sees_what_was_there_when_it_began() -> None:
    numbers = [1, 2]

    def work() -> tuple[int, list[int]]:
        numbers.append(3)
        return os.getpid(), numbers

    with beside("adding", work) as result:
        numbers.append(4)
        process, seen = result()
    assert process != os.getpid()
    assert (seen, numbers) == ([1, 2, 3], [1, 2, 4])


def test_its_error_is_raised_where_the_result_is_asked_for() -> None:
    def work() -> None:
        raise BadInput("no title", code="no_title")

    with beside("refusing", work) as result, pytest.raises(BadInput) as caught:
        result()
    assert (caught.value.code, caught.value.exit_code) == ("no_title", 2)


def test_work_that_is_killed_is_an_error_worth_a_retry() -> None:
    with (
        beside("dying", lambda: os.kill(os.getpid(), signal.SIGKILL)) as result,
        refused(NightjarError, "killed", wording=False, command="dying", signal=9),
    ):
        result()


def test_work_ends_with_the_body() -> None:
    before = set(psutil.Process().children())
    with pytest.raises(ZeroDivisionError), beside("sleeping", lambda: time.sleep(600)):
        [process] = set(psutil.Process().children()) - before
        _ = 1 / 0
    assert not process.is_running()


def test_on_one_core_it_is_done_when_its_result_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 1)
    done: list[int] = []
    with beside("waiting", lambda: done.append(os.getpid())) as result:
        assert done == []
        result()
    assert done == [os.getpid()]
