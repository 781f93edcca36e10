"""Which interval a run takes, and what becomes of one without events, by who started it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from nightjar.contract.environment import RUNNER
from nightjar.contract.errors import BadInput, RunSkipped
from nightjar.contract.run_folder import RunRecord
from nightjar.contract.settings import Settings
from nightjar.publishing.runner_process import this_process
from nightjar.stages import begin
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Begin = Callable[..., RunRecord]


@pytest.fixture
def begun(settings: Settings, warehouse: Warehouse) -> Begin:
    """Begin a run of 2026-04-02, whose shop has one event a day until the day before."""
    with warehouse.transaction() as connection:
        connection.execute(
            "insert into raw.interactions select 'e' || d, 'u1', 'i1', 'view', null, "
            "timestamptz '2026-03-01 12:00:00+00' + d * interval '1 day', timestamptz '2026-03-01 13:00:00+00' "
            "from generate_series(0, 31) as days(d)"
        )

    def run(changes: dict[str, Any] | None = None, **arguments: str) -> RunRecord:
        plain = {
            "interval_start": "2026-04-02T00:00:00+00:00",
            "interval_end": "2026-04-03T00:00:00+00:00",
            "data_date": "",
            "run_type": "manual",
            "publish": "auto",
            "stages": "",
            "ingested_before": "",
            "note": "",
            "run_id": "r",
        }
        return begin.run(settings.model_copy(update=changes or {}), **(plain | arguments))

    return run


def test_a_date_that_is_asked_for_wins_over_the_runs_interval(begun: Begin) -> None:
    record = begun(data_date="2026-03-28")
    assert record.publication_id == "2026-03-28.1"
    assert record.interval.as_of == datetime(2026, 3, 29, tzinfo=UTC)


def test_a_date_that_is_asked_for_has_the_interval_of_the_schedule(begun: Begin) -> None:
    record = begun({"schedule": "0 0 * * 0"}, data_date="2026-03-25")
    assert (record.interval.start, record.interval.end) == (
        datetime(2026, 3, 22, tzinfo=UTC),
        datetime(2026, 3, 29, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("data_date", "code", "field"),
    [
        ("2026-02-30", "not_a_date", "value"),
        ("soon", "not_a_date", "value"),
        ("9999-12-30", "interval_not_ended", "data_date"),
    ],
)
def test_a_date_that_is_none_or_has_not_ended_is_refused(begun: Begin, data_date: str, code: str, field: str) -> None:
    with refused(BadInput, code, wording=False, **{field: data_date}):
        begun(data_date=data_date)


def test_a_single_run_of_an_interval_that_has_not_ended_is_refused_but_in_nightjar_run(
    begun: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"interval_start": "2126-04-01T00:00:00+00:00", "interval_end": "2126-04-02T00:00:00+00:00"}
    with refused(BadInput, "interval_not_ended", wording=False, data_date="2126-04-01"):
        begun({"min_interval_events": 0}, **times)
    monkeypatch.setenv(RUNNER, this_process())
    assert begun({"min_interval_events": 0}, **times).publication_id == "2126-04-01.1"


def test_a_date_of_several_intervals_is_refused(begun: Begin) -> None:
    with refused(BadInput, "several_intervals", wording=False, value="0 * * * *", data_date="2026-03-28"):
        begun({"schedule": "0 * * * *"}, data_date="2026-03-28")


@pytest.mark.parametrize("run_type", ["backfill", "scheduled"])
def test_only_a_single_run_may_ask_for_a_date(begun: Begin, run_type: str) -> None:
    fields = {"data_date": "2026-03-28", "run_type": run_type}
    with refused(BadInput, "unexpected_data_date", wording=False, **fields):
        begun(data_date="2026-03-28", run_type=run_type)


def test_a_run_without_an_interval_takes_the_last_complete_one(begun: Begin, warehouse: Warehouse) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with warehouse.transaction() as connection:
        for day in (yesterday, yesterday + timedelta(days=1)):
            connection.execute(
                "insert into raw.interactions values (?, 'u1', 'i1', 'view', null, ?, ?)",
                [str(day), datetime(day.year, day.month, day.day, 12, tzinfo=UTC), datetime.now(UTC)],
            )
    # Midnight may pass between the two.
    assert begun(interval_start="", interval_end="").data_date in (yesterday, yesterday + timedelta(days=1))


def test_a_scheduled_run_without_events_is_skipped_unless_they_are_expected(begun: Begin, settings: Settings) -> None:
    with refused(RunSkipped, "no_interval_events", wording=False, data_date="2026-04-02"):
        begun(run_type="scheduled")
    for expected in ({"empty_interval": "fail"}, {"min_interval_events": 2}, {"max_silent_hours": 24}):
        with pytest.raises(BadInput):
            begun(expected, run_type="scheduled")
    assert not settings.lake.exists()


def test_before_the_first_event_a_scheduled_run_is_skipped_too(begun: Begin) -> None:
    times = {"interval_start": "2026-02-01T00:00:00+00:00", "interval_end": "2026-02-02T00:00:00+00:00"}
    with refused(RunSkipped, "no_events", wording=False, data_date="2026-02-01"):
        begun(run_type="scheduled", **times)
    with refused(BadInput, "no_events", wording=False, data_date="2026-02-01"):
        begun(**times)


@pytest.mark.parametrize("run_type", ["manual", "backfill"])
def test_a_run_that_a_person_asks_for_is_refused_without_events(begun: Begin, run_type: str) -> None:
    with refused(BadInput, "too_few_events", wording=False, data_date="2026-04-02", count=0):
        begun(run_type=run_type)


def test_an_interval_without_events_may_be_run_on_purpose(begun: Begin) -> None:
    assert begun({"min_interval_events": 0}, run_type="scheduled").data_date == date(2026, 4, 2)
