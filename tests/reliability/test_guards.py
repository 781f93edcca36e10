"""Each guard has a test that fails without it."""

import os
import re
import subprocess
import sys
from importlib import import_module

import pytest

from nightjar.contract.places import REPOSITORY
from tests.support.guards import GUARDS, VARIABLE, Guard


@pytest.mark.reliability
def test_every_guard_and_its_test_are_there() -> None:
    for guard in GUARDS:
        module, _, name = guard.target.partition(":")
        assert hasattr(import_module(module), name), guard.target
        file, _, test = guard.test.partition("::")
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        assert len(re.findall(rf"^def {test}", text, re.MULTILINE)) == 1, guard.test


@pytest.mark.guards
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.target} {guard.test.rpartition('::')[2]}")
def test_without_its_guard_a_test_fails(guard: Guard) -> None:
    file, _, test = guard.test.partition("::")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-m", "", file, "-k", test],
        cwd=REPOSITORY,
        env=os.environ | {VARIABLE: guard.target},
        capture_output=True,
        text=True,
        check=False,
    )
    # An error while the test is set up, or no test at all, is no failure of the test.
    summary = done.stdout.strip().rpartition("\n")[2]
    assert re.search(r"\b1 failed", summary), done.stdout[-4000:]
    assert "error" not in summary, done.stdout[-4000:]
    print(next(line for line in done.stdout.splitlines() if line.startswith("E  ")))
