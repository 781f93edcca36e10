"""The time split: which positive events the evaluation fit may see, and which pairs it must predict.

Reads numbered events; build_features writes the held-out pairs as `holdout`. A pair is split by its first positive
event and moves with all its events, so that nothing a model is asked to predict was shown to it.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

_HASH_BUCKETS = 1_000_000


def mark_train(events: DataFrame, holdout_fraction: float, cold_holdout_fraction: float, seed: int) -> DataFrame:
    """Return the positive events with `in_train`.

    Out of train are each user's newest items (`holdout_fraction` of them, at least one where the user has two) and
    every pair of the users and items drawn as cold. A fraction of 0 holds nothing out.
    """
    of_user = Window.partitionBy("user_index")
    of_pair = Window.partitionBy("user_index", "item_index")
    is_cold = _drawn("user_id", cold_holdout_fraction, seed) | _drawn("item_id", cold_holdout_fraction, seed)
    place = F.dense_rank().over(of_user.orderBy("first_event", "item_index"))
    return (
        events.filter(F.col("event_weight") > 0)
        .withColumn("is_cold", is_cold)
        # All later windows and sums are per user or per pair: one shuffle serves them all.
        .repartition("user_index")
        .withColumn("first_event", F.min(F.struct("occurred_at", "event_id")).over(of_pair))
        .withColumn("place", place)
        .withColumn("items", F.max("place").over(of_user))
        .select(
            "user_index",
            "item_index",
            "event_id",
            "occurred_at",
            "event_weight",
            "half_life_days",
            (~F.col("is_cold") & (F.col("place") <= F.col("items") - _held_out(holdout_fraction))).alias("in_train"),
        )
    )


def holdout(pairs: DataFrame) -> DataFrame:
    """Return the pairs (user_index, item_index) that the evaluation fit must predict."""
    return pairs.filter(~F.col("in_train")).select("user_index", "item_index")


def _held_out(fraction: float) -> Column:
    if fraction == 0.0:
        return F.lit(0)
    # 0.29 * 100 is 28.999999999999996: the small addend keeps the floor at the number meant.
    share = F.floor(F.col("items") * F.lit(fraction) + F.lit(1e-9))
    return F.when(F.col("items") < 2, F.lit(0)).otherwise(F.greatest(share, F.lit(1)))


def _drawn(id_column: str, fraction: float, seed: int) -> Column:
    # Hashing the id, not a random number per row: the draw is the same however the rows are split. The column's name
    # keeps a user and an item of the same id apart.
    bucket = F.pmod(F.xxhash64(F.lit(id_column), F.col(id_column), F.lit(seed)), F.lit(_HASH_BUCKETS))
    return bucket < F.lit(round(fraction * _HASH_BUCKETS))
