"""Weights of user-item pairs: the sum of event weight, time decay and recency rank over the pair's positive events.

Reads the events that split has marked; build_features writes `full_interactions` and `train_interactions`, and
`choice_train_interactions` of the choice window.
"""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.transforms.decay import as_integer, decay
from spark_jobs.transforms.repeats import micros_of

MICROS = 1_000_000
# Without a meaning where the events are but a part of the users' events.
OF_ALL_EVENTS = ("full_micros", "newest_rank", "popularity_micros")


def weigh_pairs(
    split_events: DataFrame, as_of: datetime, recency_rank_power: float, popularity_half_life_days: float
) -> DataFrame:
    """Return one row per pair: in_train, is_fold_in, cut_at, ranks by time and weights in millionths.

    An event weighs `event_weight * 0.5^(age/half_life) * (n/N)^recency_rank_power`, where it is the user's n-th of N
    positive events, counted among the train events alone for `train_micros`; a pair weighs the sum of its events.
    `popularity_micros` omits the rank and also decays by `0.5^(age/popularity_half_life_days)` (0: no decay), so that
    popularity follows the trend. It is the largest of the pair's events, not their sum: a user counts once an item.
    `train_popularity_micros` counts the train events alone.
    `newest_rank` is 1 for the pair with the user's newest event, 2 for the one before, ..., `input_rank` by the newest
    event in train (or fold-in), null where there is none.
    """
    in_order = Window.partitionBy("user_index").orderBy("number")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    # In the same order as the running sums: one pass computes both.
    of_user = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    is_train, is_input = F.col("in_train").cast("int"), F.col("in_train") | F.col("is_fold_in")
    rank = F.col("number") / F.col("numbers")
    train_rank = F.sum(is_train).over(so_far) / F.greatest(F.sum(is_train).over(of_user), F.lit(1))
    now = F.lit(micros_of(as_of))
    decayed = F.col("event_weight") * decay(now, F.col("half_life_days"))
    popular = as_integer(decayed * decay(now, F.lit(popularity_half_life_days or None).cast("double")), MICROS)
    full, train = (as_integer(decayed * F.pow(each, F.lit(recency_rank_power)), MICROS) for each in (rank, train_rank))
    return (
        split_events.select(
            "user_index",
            "item_index",
            "in_train",
            "is_fold_in",
            "cut_at",
            "number",
            F.when(is_input, F.col("number")).alias("input_number"),
            popular.alias("popularity_micros"),
            F.when(F.col("in_train"), popular).alias("train_popularity_micros"),
            full.alias("full_micros"),
            F.when(F.col("in_train"), train).alias("train_micros"),
        )
        # The marks are the same for all events of a pair, unless time splits them: then train has the older events.
        .groupBy("user_index", "item_index")
        .agg(
            F.bool_or("in_train").alias("in_train"),
            F.bool_or("is_fold_in").alias("is_fold_in"),
            F.min("cut_at").alias("cut_at"),
            *(F.max(name).alias(name) for name in ("number", "input_number")),
            *(F.max(name).alias(name) for name in ("popularity_micros", "train_popularity_micros")),
            *(F.sum(name).alias(name) for name in ("full_micros", "train_micros")),
        )
        .select(
            "user_index",
            "item_index",
            "in_train",
            "is_fold_in",
            "cut_at",
            _newest_first("number").alias("newest_rank"),
            F.when(F.col("input_number").isNotNull(), _newest_first("input_number")).alias("input_rank"),
            "popularity_micros",
            "train_popularity_micros",
            "full_micros",
            "train_micros",
        )
    )


def full_interactions(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, weight, newest_rank) of every positive pair."""
    return pairs.select("user_index", "item_index", (F.col("full_micros") / MICROS).alias("weight"), "newest_rank")


def train_interactions(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, weight, newest_rank) of the positive pairs of train, by train alone."""
    return pairs.filter("in_train").select(
        "user_index",
        "item_index",
        (F.col("train_micros") / MICROS).alias("weight"),
        F.col("input_rank").alias("newest_rank"),
    )


def _newest_first(number: str) -> Column:
    return F.row_number().over(Window.partitionBy("user_index").orderBy(F.desc(number)))
