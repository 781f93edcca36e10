"""Weights of user-item pairs: the sum of event weight, time decay and recency rank over the pair's positive events.

Reads the events that holdout has marked; build_features writes `full_interactions` and `train_interactions`.
"""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

MICROS = 1_000_000
_DAY_MICROSECONDS = 86_400_000_000
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def weigh_pairs(
    split_events: DataFrame,
    as_of: datetime,
    recency_rank_power: float,
    popularity_half_life_days: float,
    trending_half_life_days: float,
) -> DataFrame:
    """Return one row per pair: in_train, is_fold_in, is_old, first_at, last_at and weights in millionths.

    is_old: time leaves all its events before the cut. first_at is its first event, last_at its newest one in train or
    fold-in.

    An event weighs `event_weight * 0.5^(age/half_life) * (n/N)^recency_rank_power`, where it is the user's n-th of N
    positive events, counted among the train events alone for `train_micros`; a pair weighs the sum of its events.
    `popularity_micros` omits the rank and also decays by `0.5^(age/popularity_half_life_days)` (0: no decay), so that
    popularity follows the trend; `trending_micros` does so by `trending_half_life_days`. They are the largest of the
    pair's events, not their sum: a user counts once an item. With `train_` they count the train events alone.
    """
    in_order = Window.partitionBy("user_index").orderBy("number")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    # In the same order as the running sums: one pass computes both.
    of_user = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    is_train = F.col("in_train").cast("int")
    rank = F.col("number") / F.col("numbers")
    train_rank = F.sum(is_train).over(so_far) / F.greatest(F.sum(is_train).over(of_user), F.lit(1))
    sums = ("full_micros", "train_micros")
    decayed = F.col("event_weight") * _decay(as_of, F.col("half_life_days"))
    half_lives = {"popularity_micros": popularity_half_life_days, "trending_micros": trending_half_life_days}
    popular = {
        name: _micros(decayed * _decay(as_of, F.lit(half_life or None).cast("double")))
        for name, half_life in half_lives.items()
    }
    largest = (*popular, *(f"train_{name}" for name in popular))
    return (
        split_events.select(
            "user_index",
            "item_index",
            "in_train",
            "is_fold_in",
            "is_old",
            "occurred_at",
            *(value.alias(name) for name, value in popular.items()),
            *(F.when(F.col("in_train"), value).alias(f"train_{name}") for name, value in popular.items()),
            _micros(decayed * F.pow(rank, F.lit(recency_rank_power))).alias("full_micros"),
            F.when(F.col("in_train"), _micros(decayed * F.pow(train_rank, F.lit(recency_rank_power)))).alias(
                "train_micros"
            ),
        )
        # The marks are the same for all events of a pair, unless it may be a repeat: then train has its older events.
        .groupBy("user_index", "item_index")
        .agg(
            F.bool_or("in_train").alias("in_train"),
            F.bool_or("is_fold_in").alias("is_fold_in"),
            F.bool_and("is_old").alias("is_old"),
            F.min("occurred_at").alias("first_at"),
            F.max(F.when(F.col("in_train") | F.col("is_fold_in"), F.col("occurred_at"))).alias("last_at"),
            *(F.max(name).alias(name) for name in largest),
            *(F.sum(name).alias(name) for name in sums),
        )
        .select("user_index", "item_index", "in_train", "is_fold_in", "is_old", "first_at", "last_at", *largest, *sums)
    )


def full_interactions(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, weight) of every positive pair."""
    return pairs.select("user_index", "item_index", (F.col("full_micros") / MICROS).alias("weight"))


def train_interactions(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, weight) of the positive pairs outside the holdout."""
    return pairs.filter("in_train").select("user_index", "item_index", (F.col("train_micros") / MICROS).alias("weight"))


def _decay(as_of: datetime, half_life_days: Column) -> Column:
    as_of_microseconds = (as_of - _EPOCH) // (datetime.resolution)
    age_days = (F.lit(as_of_microseconds) - F.unix_micros("occurred_at")) / _DAY_MICROSECONDS
    return F.when(half_life_days.isNull(), F.lit(1.0)).otherwise(F.pow(F.lit(0.5), age_days / half_life_days))


def _micros(weight: Column) -> Column:
    # Integers have the same sum in any order; doubles have not. At least one, so that an old positive event does not
    # vanish.
    return F.greatest(F.round(weight * MICROS).cast("bigint"), F.lit(1).cast("bigint"))
