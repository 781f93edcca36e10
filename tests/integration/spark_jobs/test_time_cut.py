from datetime import UTC, datetime, timedelta

import pytest

from spark_jobs.transforms.time_cut import cut_micros

MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
HOUR, MINUTE, MICRO = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)


@pytest.fixture
def cut(spark):
    """Return the cut of pairs whose events are at some times after the morning, as a time after it."""

    def find(pairs, fraction):
        rows = [(n, n % 3, MORNING + after) for n, times in enumerate(pairs) for after in times]
        events = spark.createDataFrame(rows, "user_index int, item_index int, occurred_at timestamp")
        found = cut_micros(events.repartition(3), fraction)
        return None if found is None else datetime.fromtimestamp(0, UTC) + found * MICRO - MORNING

    return find


# Two pairs of one hour, one of the same second as the second, two of the next hour at one instant.
PAIRS = [[0 * HOUR], [MINUTE], [MINUTE + MICRO], [HOUR + MINUTE], [HOUR + MINUTE]]


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0.0, None),
        # Of five pairs a tenth is less than one: both of the last instant are from the cut on.
        (0.1, HOUR + MINUTE),
        (0.4, HOUR + MINUTE),
        (0.41, MINUTE + MICRO),
        (0.6, MINUTE + MICRO),
        (0.8, MINUTE),
        (0.81, 0 * HOUR),
        (1.0, 0 * HOUR),
    ],
)
def test_the_cut_is_the_latest_instant_from_which_on_the_fraction_lies(cut, fraction, expected) -> None:
    assert cut(PAIRS, fraction) == expected


def test_a_pair_counts_by_its_first_event_alone(cut) -> None:
    assert cut([[0 * HOUR, 9 * HOUR], [2 * HOUR, 3 * HOUR], [HOUR, 5 * HOUR]], 0.3) == 2 * HOUR


def test_times_before_1970_are_cut_too(cut) -> None:
    before = datetime(1969, 12, 31, 23, 30, tzinfo=UTC) - MORNING
    assert cut([[before], [before + 20 * MINUTE], [before + 40 * MINUTE]], 0.6) == before + 20 * MINUTE


def test_a_number_of_pairs_that_is_whole_is_not_rounded_up(cut) -> None:
    # 0.07 * 100 is 7.000000000000001.
    assert cut([[n * MINUTE] for n in range(100)], 0.07) == 93 * MINUTE


def test_without_pairs_there_is_no_cut(cut, spark) -> None:
    nothing = spark.createDataFrame([], "user_index int, item_index int, occurred_at timestamp")
    assert cut_micros(nothing, 0.5) is None
