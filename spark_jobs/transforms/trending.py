"""What everyone takes now: scores of items by their newest events, for several half-lives.

Reads the events that split has marked; build_features writes `trending`.
"""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from nightjar.contract.choice_windows import choice_prefix
from nightjar.contract.trending import TRENDING_HALF_LIVES_DAYS
from spark_jobs.transforms.decay import as_integer, decay
from spark_jobs.transforms.repeats import micros_of

# 0.5^(age / 1 day) is below a millionth after three weeks and below this after thirty days. Sums stay in a bigint up to
# nine billion users of weight 1.
BILLIONTHS = 1_000_000_000


def trending(split_events: DataFrame, choice_events: Sequence[DataFrame], as_of: datetime) -> DataFrame:
    """Return (half_life_days, item_index, score, train_score, choice_train_score, ...) of items with a positive event.

    A score is the sum over users of the largest `event_weight * 0.5^(age/half_life) * 0.5^(age/half_life_days)` of the
    user's events with the item, the first half-life that of the event's type: a user counts once an item. The scores
    are those of all events, of the train events and of those before each choice window, 0 for an item without one.
    Ages are counted from the end of each part, from `as_of` or from the part's newest event: scores are compared with
    scores of the same part alone, and one taken months before `as_of` would have lost all digits by a half-life of a
    day.
    """
    fits = {"train_score": split_events}
    fits |= {f"{choice_prefix(number)}train_score": marked for number, marked in enumerate(choice_events, 1)}
    joined = _sums(split_events.withColumn("now_micros", F.lit(micros_of(as_of))), "score")
    for name, marked in fits.items():
        of_train = _sums(_as_of_newest(marked.filter("in_train")), name)
        joined = joined.join(of_train, on="item_index", how="left")
    names = ("score", *fits)
    rows = F.explode(
        F.array(
            *(
                F.struct(
                    F.lit(half_life).alias("half_life_days"),
                    *((F.coalesce(_sum_of(name, n), F.lit(0)) / BILLIONTHS).alias(name) for name in names),
                )
                for n, half_life in enumerate(TRENDING_HALF_LIVES_DAYS)
            )
        )
    )
    return joined.select("item_index", rows.alias("of")).select(
        "of.half_life_days", "item_index", *(f"of.{name}" for name in names)
    )


def _as_of_newest(events: DataFrame) -> DataFrame:
    newest = events.agg(F.max(F.unix_micros("occurred_at")).alias("now_micros"))
    return events.crossJoin(F.broadcast(newest))


def _sums(events: DataFrame, name: str) -> DataFrame:
    """Return item_index and `name`, an array of the sum of each half-life in billionths."""
    now = F.col("now_micros")
    decayed = F.col("event_weight") * decay(now, F.col("half_life_days"))
    weights = {
        f"weight_{n}": as_integer(decayed * decay(now, F.lit(half_life)), BILLIONTHS)
        for n, half_life in enumerate(TRENDING_HALF_LIVES_DAYS)
    }
    return (
        events.select("user_index", "item_index", *(weight.alias(each) for each, weight in weights.items()))
        .groupBy("user_index", "item_index")
        .agg(*(F.max(each).alias(each) for each in weights))
        .groupBy("item_index")
        .agg(F.array(*(F.sum(each) for each in weights)).alias(name))
    )


def _sum_of(name: str, half_life: int) -> Column:
    return F.col(name)[half_life]
