import json

import pytest

from nightjar.contract import progress
from nightjar.contract.errors import BadInput, GateRefused, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from tests.support.golden import check_wording


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def folder(settings: Settings) -> RunFolder:
    folder = RunFolder.of(settings.lake, "2026-03-31.1")
    folder.path.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NightjarError("it was busy"), "[nightjar] error (1): it was busy"),
        (BadInput("line 3:\n  no\tnumber "), "[nightjar] error (2): line 3: no number"),
        (BadInput("a b", code="unknown_column", column="a"), "[nightjar] error (2, unknown_column): a b"),
        (GateRefused(""), "[nightjar] error (3): "),
    ],
)
def test_an_error_is_one_line_whatever_its_text(error: NightjarError, line: str) -> None:
    assert progress.error_line(error) == line


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> progress.StageProgress:
    # The dataclass took the real clock when it was defined.
    return progress.StageProgress("fit", started=clock.seconds, printed=clock.seconds)


def test_long_work_speaks_every_five_seconds(
    work: progress.StageProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    for second in range(12):
        clock.seconds = 1000.0 + second
        work.pulse(f"epoch {second}")
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == ["epoch 5", "epoch 10"]


def test_a_stage_reports_rows_seconds_and_rate_and_keeps_a_record(
    folder: RunFolder, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.stage(folder, "unload") as done:
        done.started = clock.seconds
        done.rows, done.unit = 5000, "events"
        clock.seconds += 2.5
    with progress.stage(folder, "publish") as done:
        done.started = clock.seconds
        clock.seconds += 1.25
    check_wording(capsys.readouterr().out)
    assert [json.loads(line) for line in folder.progress.read_text().splitlines()] == [
        {"stage": "unload", "rows": 5000, "unit": "events", "seconds": 2.5},
        {"stage": "publish", "rows": 0, "unit": "rows", "seconds": 1.25},
    ]


def test_a_stage_that_fails_leaves_no_record(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput), progress.stage(folder, "unload"):
        raise BadInput("no")
    assert not folder.progress.exists()
    assert capsys.readouterr().out == ""
