from datetime import UTC, date, datetime

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval
from nightjar.contract.schedule import Schedule, check_cron
from nightjar.contract.settings import load_settings
from tests.support.refusals import refused


def interval(start: str, end: str) -> DataInterval:
    return DataInterval(*(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)))


@pytest.mark.parametrize(
    ("cron", "day", "start", "end"),
    [
        ("0 0 * * *", "2026-03-28", "2026-03-28", "2026-03-29"),
        # What starts on the date, although its midnight belongs to the interval before.
        ("0 3 * * *", "2026-03-28", "2026-03-28T03:00", "2026-03-29T03:00"),
        # 2026-03-22 is a Sunday.
        ("0 0 * * 0", "2026-03-25", "2026-03-22", "2026-03-29"),
        ("@weekly", "2026-03-22", "2026-03-22", "2026-03-29"),
        ("0 0 * * 0", "2026-03-28", "2026-03-22", "2026-03-29"),
        ("0 6 * * 1", "2026-03-29", "2026-03-23T06:00", "2026-03-30T06:00"),
        ("0 0 * * 1-5", "2026-03-28", "2026-03-27", "2026-03-30"),
        ("0 0 1 * *", "2026-02-28", "2026-02-01", "2026-03-01"),
        ("@quarterly", "2026-03-31", "2026-01-01", "2026-04-01"),
        # The nights in which Europe's clocks change.
        ("0 2 * * *", "2026-03-29", "2026-03-29T02:00", "2026-03-30T02:00"),
        ("0 2 * * *", "2026-10-25", "2026-10-25T02:00", "2026-10-26T02:00"),
    ],
)
def test_a_date_has_the_interval_that_starts_on_it_or_holds_it(cron: str, day: str, start: str, end: str) -> None:
    assert Schedule(check_cron(cron)).of_date(day) == interval(start, end)


@pytest.mark.parametrize("cron", ["0 * * * *", "0 0,12 * * *", "*/7 * * * *", "0 6,18 * * *"])
def test_a_date_of_several_intervals_is_refused_by_the_name_of_the_setting(cron: str) -> None:
    with refused(BadInput, "several_intervals", setting="NIGHTJAR_SCHEDULE", value=cron, data_date=date(2026, 3, 28)):
        Schedule(cron).of_date("2026-03-28")


@pytest.mark.parametrize("day", ["9999-12-30", "0001-01-01"])
def test_a_date_beyond_the_ticks_is_refused(day: str) -> None:
    with refused(BadInput, "beyond_schedule", setting="NIGHTJAR_SCHEDULE", value="0 1 * * 0", data_date=day):
        Schedule("0 1 * * 0").of_date(day)


@pytest.mark.parametrize("day", ["2026-02-30", "soon"])
def test_a_text_that_is_no_date_has_no_interval(day: str) -> None:
    with refused(BadInput, "not_a_date", value=day):
        Schedule("0 1 * * 0").of_date(day)


def test_a_tick_belongs_to_the_interval_that_it_starts() -> None:
    hours = Schedule("0 * * * *")
    assert hours.holding(datetime(2026, 3, 28, 5, tzinfo=UTC)) == interval("2026-03-28T05:00", "2026-03-28T06:00")
    before = datetime(2026, 3, 28, 5, 59, 59, 999_999, tzinfo=UTC)
    assert hours.holding(before) == interval("2026-03-28T05:00", "2026-03-28T06:00")


def test_a_range_has_each_interval_once() -> None:
    weeks = Schedule("0 0 * * 0").between("2026-03-10", "2026-03-25")
    assert [each.data_date for each in weeks] == [date(2026, 3, 8), date(2026, 3, 15), date(2026, 3, 22)]
    days = Schedule("0 3 * * *").between("2026-02-27", "2026-03-01")
    assert [each.data_date for each in days] == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    # Mondays have two, and lie inside the range.
    with refused(BadInput, "several_intervals", data_date=date(2026, 3, 23)):
        Schedule("0 0,12 * * 1").between("2026-03-20", "2026-03-25")


def test_the_last_complete_interval_ends_with_its_tick() -> None:
    days = Schedule("0 0 * * *")
    assert days.last_complete(datetime(2026, 3, 29, tzinfo=UTC)) == interval("2026-03-28", "2026-03-29")
    assert days.last_complete(datetime(2026, 3, 28, 23, 59, tzinfo=UTC)) == interval("2026-03-27", "2026-03-28")


WRONG = ["garbage", "0 0 * *", "60 0 * * *", "0 0 31 2 *", "0 0 * * * *", "0 0 * * xyz", "R R * * *", "@once", " "]


@pytest.mark.parametrize("cron", WRONG)
@pytest.mark.parametrize("name", ["SCHEDULE", "PERFORMANCE_SCHEDULE", "RETENTION_SCHEDULE", "TUNING_SCHEDULE"])
def test_a_schedule_that_never_comes_due_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, cron: str
) -> None:
    monkeypatch.setenv(f"NIGHTJAR_{name}", cron)
    with refused(BadInput, "unknown_setting_value", setting=f"NIGHTJAR_{name}", value=cron):
        load_settings()


def test_only_schedules_that_may_be_missing_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_TUNING_SCHEDULE", "")
    monkeypatch.setenv("NIGHTJAR_PERFORMANCE_SCHEDULE", "")
    assert load_settings().tuning_schedule == load_settings().performance_schedule == ""
    monkeypatch.setenv("NIGHTJAR_SCHEDULE", "")
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_SCHEDULE", value=""):
        load_settings()
