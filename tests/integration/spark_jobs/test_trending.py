import pytest

from nightjar.contract.trending import TRENDING_HALF_LIVES_DAYS
from spark_jobs.transforms.trending import trending

EVENTS = (
    "user_index int, item_index int, occurred_at timestamp, event_weight double, half_life_days double, "
    "in_train boolean"
)
DAY, FOUR_DAYS, FORTNIGHT, TWO_MONTHS = TRENDING_HALF_LIVES_DAYS


@pytest.fixture
def scores(spark, as_of, days_ago):
    """Return the scores by half-life and item, of events given as (user, item, age, weight, half-life, in_train, in
    the train part of the choice window)."""

    def sum_up(events):
        rows = [(user, item, days_ago(age), *rest[:3]) for user, item, age, *rest in events]
        choice = [(*row[:5], event[-1]) for row, event in zip(rows, events, strict=True) if event[5]]
        table = trending(spark.createDataFrame(rows, EVENTS), [spark.createDataFrame(choice, EVENTS)], as_of)
        assert dict(table.dtypes) == {
            "half_life_days": "double",
            "item_index": "int",
            "score": "double",
            "train_score": "double",
            "choice_train_score": "double",
        }
        found = {(row.half_life_days, row.item_index): tuple(row)[2:] for row in table.collect()}
        assert len(found) == table.count()
        return found

    return sum_up


def test_ages_are_counted_from_the_end_of_each_part(scores) -> None:
    found = scores(
        [
            (0, 0, 16, 1.0, None, True, True),
            (1, 0, 12, 1.0, None, True, True),
            (0, 1, 8, 2.0, None, True, False),
            (1, 1, 0, 1.0, None, False, False),
        ]
    )
    # In four days: all, from now; train, from 8 days ago; what is before the choice window, from 12 days ago.
    assert found[FOUR_DAYS, 0] == (0.0625 + 0.125, 0.25 + 0.5, 0.5 + 1)
    assert found[FOUR_DAYS, 1] == (2 * 0.25 + 1, 2, 0)
    # 2^-16 and 2^-12 are 15,259 and 244,141 billionths.
    assert found[DAY, 0] == (259_400 / 1e9, 2**-8 + 2**-4, 1.0625)
    # 0.5^(16/14) + 0.5^(12/14), and 0.5^(16/60) + 0.5^(12/60).
    assert found[FORTNIGHT, 0][0] == pytest.approx(0.452862 + 0.552045, abs=1e-6)
    assert found[TWO_MONTHS, 0][0] == pytest.approx(0.831238 + 0.870551, abs=1e-6)
    assert len(found) == 8


def test_a_user_counts_once_an_item_by_the_event_that_is_worth_most(scores) -> None:
    found = scores(
        [
            # By a half-life of a day 0.375 and 0.5, of four days 1.06 and 0.84.
            (0, 0, 2, 1.5, None, True, True),
            (0, 0, 1, 1.0, None, True, True),
            (1, 0, 0, 0.25, None, True, True),
        ]
    )
    assert found[DAY, 0] == (0.5 + 0.25,) * 3
    assert found[FOUR_DAYS, 0][0] == pytest.approx(1.060660 + 0.25, abs=1e-6)


def test_an_event_decays_by_its_type_as_well(scores) -> None:
    # From the newest event on, which is a day old: 8 * 0.5^1 * 0.5^(2/2).
    found = scores([(0, 0, 3, 8.0, 1.0, True, True), (0, 1, 1, 1.0, None, False, False)])
    assert found[DAY, 0] == (8 * 2**-3 * 2**-3, 8, 8)
    assert found[DAY, 1] == (0.5, 0, 0)


def test_old_events_keep_a_billionth_each(scores) -> None:
    # By a half-life of a day they are worth 2^-100.
    found = scores([(user, 0, 100, 1.0, None, True, True) for user in range(3)] + [(0, 1, 0, 1.0, None, True, False)])
    assert found[DAY, 0] == (3e-9, 3e-9, 3)
