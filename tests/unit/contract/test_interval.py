from datetime import UTC, date, datetime

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.interval import of_date, resolve
from tests.support.refusals import refused


def test_the_data_date_is_the_start_date_and_the_end_is_as_of() -> None:
    interval = resolve("2026-03-31T00:00:00+00:00", "2026-04-01T00:00:00+00:00")
    assert interval.data_date == date(2026, 3, 31)
    assert interval.as_of == datetime(2026, 4, 1, tzinfo=UTC)


def test_other_zones_become_utc() -> None:
    interval = resolve("2026-03-31T01:00:00+02:00", "2026-04-01T01:00:00+02:00")
    assert interval.data_date == date(2026, 3, 30)
    assert interval.as_of == datetime(2026, 3, 31, 23, tzinfo=UTC)


def test_a_date_covers_one_utc_day() -> None:
    assert of_date("2024-02-29") == resolve("2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z")


@pytest.mark.parametrize(
    "day", ["2026-02-30", "9999-12-31", "yesterday", "", "2026-03-31; drop table raw.items", "../2026-03-31"]
)
def test_a_text_that_is_no_date_is_refused_by_name(day: str) -> None:
    with refused(BadInput, "not_a_date", value=day, expected="YYYY-MM-DD"):
        of_date(day)


@pytest.mark.parametrize(
    ("start", "end", "code", "fields"),
    [
        (
            "2026-03-31T01:00:00+01:00",
            "2026-03-31T00:00:00+00:00",
            "empty_interval",
            {"start": datetime(2026, 3, 31, tzinfo=UTC), "end": datetime(2026, 3, 31, tzinfo=UTC)},
        ),
        (
            "2026-03-31T00:00:00",
            "2026-04-01T00:00:00+00:00",
            "no_time_zone",
            {"name": "interval start", "value": "2026-03-31T00:00:00"},
        ),
        ("2026-03-31T00:00:00+00:00", "soon", "not_a_timestamp", {"name": "interval end", "value": "soon"}),
    ],
)
def test_a_wrong_interval_is_refused_by_name(start: str, end: str, code: str, fields: dict[str, object]) -> None:
    with refused(BadInput, code, **fields):
        resolve(start, end)
