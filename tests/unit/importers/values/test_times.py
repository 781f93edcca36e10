"""Which times of files are read, as what, and which are rejected because they are ambiguous."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nightjar.contract.errors import BadInput
from tests.support.checked_rows import check_rows, rejected_for, times
from tests.support.golden import check_wording
from tests.support.refusals import refused

OCTOBER = datetime(2019, 10, 1, tzinfo=UTC)
REJECTED = rejected_for("occurred_at")


CERTAIN = [
    *("1569888000", "1569888000.0", "1569888000000", "1569888000000000", "1569888000000000000"),
    *("1.569888000E9", "1.569888E9", "1.569888000e+09"),
    *("20191001", "20191001.0", "20191001000000", "20191001000000000"),
    *("2019-10-01", "2019/10/01", "2019-10-1", "2019-10-01 00:00", "2019-10-01 00:00:00.000", " 2019-10-01\t"),
    *("2019-10-01T00:00:00Z", "2019-10-01t00:00:00z", "2019-10-01 00:00:00 UTC", "2019-10-01T00:00:00UTC"),
    *("2019-10-01 00:00:00 GMT", "2019-10-01 UTC", "2019-10-01Z", "2019-10-01 00:00:00,000"),
    *("2019-10-01 00:00:00+0000", "2019-10-01 00:00:00+00", "2019-10-01T02:00:00+02:00", "2019-10-01 02:00 +02:00"),
    *(
        "2019-09-30T21:00:00-0300",
        "20191001T000000Z",
        "20191001T000000.000Z",
        "20191001T020000+0200",
        "20191001T0000Z",
    ),
    *("2019-10-01T02:00+02:00[Europe/Berlin]", "2019-10-01 02:00:00 Europe/Berlin"),
]
UNCERTAIN = [
    # Serial days of Excel, a year, a month, a minute.
    "43739",
    "43739.5",
    "2019",
    "201910",
    "201910010000",
    # Missing, negative, small, and days since 1970.
    "0",
    "0.0",
    "-1",
    "100",
    "18170",
    # No dates of the calendar, and the end of the year 9999.
    "20191301",
    "20191001.5",
    "253402300799",
    # Ticks of Windows and of .NET, a float without its last digits.
    "132144480000000000",
    "637055712000000000",
    "1.56989E+12",
    # Day or month first, and a zone of letters.
    "01/10/2019",
    "2019-10-01 00:00:00 PST",
]


def test_a_time_that_is_certain_is_read_as_its_instant() -> None:
    assert dict(zip(CERTAIN, times(CERTAIN), strict=True)) == dict.fromkeys(CERTAIN, OCTOBER)


def test_a_time_that_is_not_certain_is_rejected_with_what_it_looks_like() -> None:
    checked = check_rows([{"occurred_at": each} for each in UNCERTAIN])
    assert checked.values("occurred_at") == [REJECTED] * len(UNCERTAIN)
    assert all(repr(written) in str(reason) for written, reason in zip(UNCERTAIN, checked.reasons, strict=True))
    check_wording(checked.reasons_in_lines)


def test_what_is_no_time_is_rejected() -> None:
    written = ["epoch", "infinity", "2019-02-30", "20191301000000", "9" * 30, "1_569_888_000"]
    assert times(written) == [REJECTED] * len(written)


@pytest.mark.parametrize(
    ("unit", "written", "meant"),
    [
        ("s", "0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("s", "-86400", datetime(1969, 12, 31, tzinfo=UTC)),
        ("s", "43739", datetime(1970, 1, 1, 12, 8, 59, tzinfo=UTC)),
        ("s", "20191001", datetime(1970, 8, 22, 16, 36, 41, tzinfo=UTC)),
        ("ms", "1500", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
        ("us", "1569888000000000", OCTOBER),
        ("ns", "1569888000000000999", OCTOBER),
        ("ms", "2019-10-01", OCTOBER),
    ],
)
def test_with_a_unit_every_number_is_a_time(unit: str, written: str, meant: datetime) -> None:
    assert times([written], time_unit=unit) == [meant]


@pytest.mark.parametrize(
    ("time_format", "written", "meant"),
    [
        ("excel", "43739", OCTOBER),
        ("excel", "43739.5", OCTOBER + timedelta(hours=12)),
        ("%d/%m/%Y", "01/10/2019", OCTOBER),
        ("%Y%m", "201910", OCTOBER),
        ("%a %b %d %H:%M:%S %z %Y", "Mon Sep 30 16:00:00 -0800 2019", OCTOBER),
        ("%a, %d %b %Y %H:%M:%S %z", "Tue, 01 Oct 2019 02:00:00 +0200", OCTOBER),
        ("%Y-%m-%dT%H:%M:%S%z", "2019-10-01T00:00:00Z", OCTOBER),
        ("excel", "60", None),
        ("excel", "2019", None),
        ("excel", "2019-10-01", None),
        ("%d/%m/%Y", "2019-10-01", None),
        ("%d/%m/%Y", "1569888000", None),
    ],
)
def test_with_a_format_a_time_fits_it_or_is_rejected(time_format: str, written: str, meant: datetime | None) -> None:
    assert times([written], time_format=time_format) == [meant or REJECTED]


def test_local_times_are_of_the_zone_and_others_keep_their_own() -> None:
    written = ["2019-10-01 02:00", "20191001020000", "2019-10-01T00:00Z", "1569888000"]
    assert times(written, time_zone="Europe/Berlin") == [OCTOBER] * 4
    assert times(["01.10.2019 02:00"], time_zone="Europe/Berlin", time_format="%d.%m.%Y %H:%M") == [OCTOBER]
    assert times(["43739.5"], time_zone="Asia/Tokyo", time_format="excel") == [OCTOBER + timedelta(hours=3)]


def test_a_literal_z_in_the_format_means_utc_whatever_the_zone() -> None:
    options = {"time_zone": "Europe/Berlin", "time_format": "%Y-%m-%dT%H:%M:%SZ"}
    assert times(["2019-10-01T00:00:00Z"], **options) == [OCTOBER]


@pytest.mark.parametrize(
    ("zone", "left_out", "twice", "first"),
    [
        ("Europe/Berlin", "2019-03-31 02:30", "2019-10-27 02:30", datetime(2019, 10, 27, 0, 30, tzinfo=UTC)),
        ("America/New_York", "2019-03-10 02:30", "2019-11-03 01:30", datetime(2019, 11, 3, 5, 30, tzinfo=UTC)),
        # Clocks there are moved by half an hour.
        ("Australia/Lord_Howe", "2019-10-06 02:15", "2019-04-07 01:45", datetime(2019, 4, 6, 14, 45, tzinfo=UTC)),
    ],
)
def test_where_clocks_change_a_time_left_out_is_rejected_and_one_that_comes_twice_is_the_first(
    zone: str, left_out: str, twice: str, first: datetime
) -> None:
    checked = check_rows([{"occurred_at": left_out}, {"occurred_at": twice}], time_zone=zone)
    assert checked.values("occurred_at") == [REJECTED, first]
    check_wording(checked.reasons_in_lines)
    assert [(warning.code, warning.column, warning.rows) for warning in checked.warnings] == [
        ("times_that_come_twice", "occurred_at", 1)
    ]


def test_a_column_of_several_units_is_read_row_by_row_with_a_warning() -> None:
    checked = check_rows([{"occurred_at": each} for each in ("1569888000", "1569888000000", "1569888000")])
    assert checked.values("occurred_at") == [OCTOBER] * 3
    assert [(warning.table, warning.code, warning.rows) for warning in checked.warnings] == [
        ("interactions", "times_of_several_kinds", 3)
    ]
    check_wording(str(checked.warnings[0]))
    assert not check_rows([{"occurred_at": "1569888000"}, {"occurred_at": "1569888001"}]).warnings


def test_a_constant_time_is_checked_too_and_is_not_of_the_format_of_the_file() -> None:
    row: dict[str, str | None] = {"user_id": "u"}
    fixed = check_rows([row], constants={"occurred_at": "2019-10-01"}, time_format="%d/%m/%Y")
    assert fixed.values("occurred_at") == [OCTOBER]
    year = check_rows([row], constants={"occurred_at": "2019"})
    assert year.values("occurred_at") == [REJECTED]


def test_a_float_column_of_the_file_itself_has_all_its_digits() -> None:
    rows: list[dict[str, str | None]] = [{"occurred_at": "1.569888e+18"}]
    assert check_rows(rows, types={"occurred_at": "DOUBLE"}).values("occurred_at") == [OCTOBER]
    assert check_rows(rows).rows == [None]


def test_the_end_of_time_is_a_date_where_the_future_is_allowed() -> None:
    rows: list[dict[str, str | None]] = [{"available_until": each} for each in ("99991231", "9999-12-31")]
    assert check_rows(rows, table="items").values("available_until") == [datetime(9999, 12, 31, tzinfo=UTC)] * 2


@pytest.mark.parametrize(
    ("options", "code", "fields"),
    [
        ({"time_format": "%Q"}, "invalid_time_format", {"value": "%Q"}),
        ({"time_format": ""}, "invalid_time_format", {"value": ""}),
        ({"time_zone": "Europe/Atlantis"}, "unknown_time_zone", {"value": "Europe/Atlantis"}),
        (
            {"time_format": "%Y", "time_unit": "s"},
            "conflicting_options",
            {"options": ["--time-format", "--time-unit"]},
        ),
    ],
)
def test_options_of_times_that_mean_nothing_are_refused(
    options: dict[str, Any], code: str, fields: dict[str, Any]
) -> None:
    with refused(BadInput, code, **fields):
        times(["2019-10-01"], **options)


@hypothesis_settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.datetimes(datetime(1974, 7, 1), datetime(2026, 3, 31)).filter(
            # Between these, numbers may be Windows file times or .NET ticks instead of nanoseconds.
            lambda at: not datetime(1989, 1, 1) < at < datetime(1991, 1, 1)
        ),
        min_size=1,
        max_size=20,
    )
)
def test_an_instant_is_the_same_in_all_units_and_texts(instants: list[datetime]) -> None:
    instants = [each.replace(tzinfo=UTC) for each in instants]
    micros = [(each - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for each in instants]
    millis = [each // 1000 for each in micros]
    expected_millis = [each.replace(microsecond=each.microsecond // 1000 * 1000) for each in instants]
    # Numbers of ms that could be YYYYMMDDhhmm or the end of 9999 lie before 1979.
    certain = [place for place, each in enumerate(instants) if each.year > 1978]
    assert times([str(each * 1000) for each in micros]) == instants
    if certain:
        assert times([str(micros[place]) for place in certain]) == [instants[place] for place in certain]
        assert times([str(millis[place]) for place in certain]) == [expected_millis[place] for place in certain]
    assert times([each.isoformat() for each in instants]) == instants
    assert times([each.strftime("%Y%m%dT%H%M%S.%fZ") for each in instants]) == instants
