"""The time split: which positive events the evaluation fit may see, and which pairs it must predict.

Reads numbered events; build_features writes the held-out pairs as `holdout`, and what fold-in may see as `shown`. A
pair is split by its first positive event and moves with all its events, so that nothing a model is asked to predict
was shown to it.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

_HASH_BUCKETS = 1_000_000


@dataclass(frozen=True)
class Fractions:
    """What is held out, as shares from 0 (nothing) to below 1.

    Attributes:
        newest: of each user's items the newest, at least one where the user has two.
        cold: of the users, and of the items, with every pair of theirs.
        domain: of the users with several domains, with every pair in one of these domains.
    """

    newest: float
    cold: float
    domain: float


def mark_train(events: DataFrame, fractions: Fractions, seed: int) -> DataFrame:
    """Return the positive events with `in_train` and `is_shown`; out of train is what `fractions` says.

    An event is the `number`-th of its user's `numbers` positive events, from 1 for the oldest.
    Shown are the events of cold users that time alone would have left in train: a user who is folded in has these.
    Users, items and domains are drawn by hashes of their ids.
    """
    in_order = Window.partitionBy("user_index").orderBy("occurred_at", "event_id")
    # Ordered although no order is asked for: one sort and one pass serve all that is counted of a user.
    of_user = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    of_pair = Window.partitionBy("user_index", "item_index")
    # What is left of a user who loses a domain is split by time like every other user's items.
    of_rest = Window.partitionBy("user_index", "is_lost")
    draw = F.struct("domain_draw", "domain")
    has_several = F.min("domain").over(of_user) != F.max("domain").over(of_user)
    may_lose = F.col("is_drawn") & ~F.col("is_cold_user")
    place = F.dense_rank().over(of_rest.orderBy("first_number"))
    return (
        events.filter(F.col("event_weight") > 0)
        # Drawn before the shuffle, so that the ids need not pass through it.
        .select(
            "user_index",
            "item_index",
            "domain",
            "event_id",
            "occurred_at",
            "event_weight",
            "half_life_days",
            _drawn("user_id", fractions.cold, seed).alias("is_cold_user"),
            _drawn("item_id", fractions.cold, seed).alias("is_cold_item"),
            _drawn("user_id", fractions.domain, seed, draw="domain").alias("is_drawn"),
            F.xxhash64("user_id", "domain", F.lit(seed)).alias("domain_draw"),
        )
        # All later windows and sums are per user or per pair: one shuffle serves them all.
        .repartition("user_index")
        .select(
            "*",
            F.row_number().over(in_order).alias("number"),
            F.count("*").over(of_user).alias("numbers"),
            (may_lose & has_several & (draw == F.min(draw).over(of_user))).alias("is_lost"),
        )
        .withColumn("first_number", F.min("number").over(of_pair))
        .withColumn("place", place)
        .withColumn("items", F.max("place").over(of_rest))
        .withColumn("is_old", F.col("place") <= F.col("items") - _held_out(fractions.newest))
        .withColumn("may_be_known", F.col("is_old") & ~F.col("is_cold_item") & ~F.col("is_lost"))
        .select(
            "user_index",
            "item_index",
            "event_id",
            "number",
            "numbers",
            "occurred_at",
            "event_weight",
            "half_life_days",
            (~F.col("is_cold_user") & F.col("may_be_known")).alias("in_train"),
            (F.col("is_cold_user") & F.col("may_be_known")).alias("is_shown"),
        )
    )


def holdout(pairs: DataFrame) -> DataFrame:
    """Return the pairs (user_index, item_index) that the evaluation fit must predict."""
    return pairs.filter(~F.col("in_train")).select("user_index", "item_index")


def shown(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, recency) of the shown pairs; recency 1 is the user's newest item."""
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last_at"), F.asc("item_index"))
    recency = F.row_number().over(newest_first).alias("recency")
    return pairs.filter("is_shown").select("user_index", "item_index", recency)


def _held_out(fraction: float) -> Column:
    if fraction == 0.0:
        return F.lit(0)
    # 0.29 * 100 is 28.999999999999996: the small addend keeps the floor at the number meant.
    share = F.floor(F.col("items") * F.lit(fraction) + F.lit(1e-9))
    return F.when(F.col("items") < 2, F.lit(0)).otherwise(F.greatest(share, F.lit(1)))


def _drawn(id_column: str, fraction: float, seed: int, draw: str = "cold") -> Column:
    # Hashing the id, not a random number per row: the draw is the same however the rows are split. The column's name
    # keeps a user and an item of the same id apart, the draw's name the users of two draws.
    names = [F.lit(id_column)] if draw == "cold" else [F.lit(draw), F.lit(id_column)]
    bucket = F.pmod(F.xxhash64(*names, F.col(id_column), F.lit(seed)), F.lit(_HASH_BUCKETS))
    return bucket < F.lit(round(fraction * _HASH_BUCKETS))
