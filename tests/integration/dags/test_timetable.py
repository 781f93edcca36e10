"""The data interval of a run started by hand: the one of its logical date."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nightjar.contract.environment import child_environment
from nightjar.contract.settings import Settings

INFER = Path(__file__).parent / "infer_intervals.py"
# A Sunday, at ten in the morning.
NOW = "2026-03-29T10:00:00+00:00"
CASES = {
    "0 0 * * *": {
        "2026-03-28T00:00:00+00:00": ["2026-03-28T00:00", "2026-03-29T00:00"],
        "2026-03-28T23:59:59+00:00": ["2026-03-28T00:00", "2026-03-29T00:00"],
        # Other zones are the same instants.
        "2026-03-28T01:00:00+02:00": ["2026-03-27T00:00", "2026-03-28T00:00"],
        # Today has not ended: the last complete date.
        "2026-03-29T10:00:00+00:00": ["2026-03-28T00:00", "2026-03-29T00:00"],
        # Except for the logical date of today's scheduled run.
        "2026-03-29T00:00:00+00:00": ["2026-03-29T00:00", "2026-03-30T00:00"],
    },
    "0 0 * * 0": {
        "2026-03-25T12:00:00+00:00": ["2026-03-22T00:00", "2026-03-29T00:00"],
        "2026-03-29T10:00:00+00:00": ["2026-03-22T00:00", "2026-03-29T00:00"],
    },
    "0 * * * *": {
        "2026-03-29T05:30:00+00:00": ["2026-03-29T05:00", "2026-03-29T06:00"],
        "2026-03-29T10:00:01+00:00": ["2026-03-29T09:00", "2026-03-29T10:00"],
    },
    "0 0 1 * *": {"2026-03-29T10:00:00+00:00": ["2026-02-01T00:00", "2026-03-01T00:00"]},
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    return child_environment(settings)


@pytest.mark.parametrize("cron", CASES)
def test_a_logical_date_names_the_interval_that_holds_it(environment: dict[str, str], cron: str) -> None:
    done = subprocess.run(
        [sys.executable, str(INFER), cron, NOW, *CASES[cron]],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    intervals, [name] = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert dict(zip(CASES[cron], intervals, strict=True)) == CASES[cron]
    start, end = intervals[0]
    assert name == f"scheduled__{start[:10]}__{end}:00+00:00"
