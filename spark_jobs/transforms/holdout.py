"""The time split: which positive events the evaluation fit trains on, and which pairs it must predict.

Reads numbered events; build_features writes the held-out pairs as `holdout`, those that users are folded in by as
`shown`, what users had seen besides as `train_seen`, and what may be recommended again as `repeatable`. A pair is split
by its first positive event and moves with all its events, so that no event of a held-out pair is in train. Where
repeats are allowed, a pair's events are split by time instead: docs/decisions/repeats.md.
"""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from nightjar.contract.repeat_rule import NEVER, Repeats
from spark_jobs.transforms.repeats import DAY_MICROSECONDS, after_days, micros_of

_HASH_BUCKETS = 1_000_000


@dataclass(frozen=True)
class Fractions:
    """What is held out, as fractions from 0 (nothing) to below 1.

    Attributes:
        newest: of each user's items, the newest; at least one where the user has two.
        cold: of the users, and of the items, with all their pairs.
        domain: of the users with several domains, with all their pairs in one of these domains.
    """

    newest: float
    cold: float
    domain: float


def mark_train(events: DataFrame, fractions: Fractions, seed: int, repeats: Repeats = NEVER) -> DataFrame:
    """Return the positive events with `in_train` and `is_fold_in`; `fractions` says how many are out of train.

    An event is the `number`-th of its user's `numbers` positive events, from 1 for the oldest.
    `is_fold_in` are the events of cold users that time alone would have left in train: these users are folded in by
    them.
    Users, items and domains are drawn by hashes of their ids.
    Where `repeats` allows some, the events also have `after_days` of their domain and `cut_at`, the time of the user's
    first event that time holds out. Then each event that could have been recommended counts as one of the user's items:
    the first of a pair, and one that is `after_days` or more after the pair's last.
    """
    in_order = Window.partitionBy("user_index").orderBy("occurred_at", "event_id")
    # Ordered although no order is needed: one sort and one pass compute all counts of a user.
    of_user = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    of_pair = Window.partitionBy("user_index", "item_index")
    # The other domains of a user whose domain is held out are split by time like every other user's items.
    of_rest = Window.partitionBy("user_index", "is_in_held_out_domain")
    draw = F.struct("domain_draw", "domain")
    has_several = F.min("domain").over(of_user) != F.max("domain").over(of_user)
    may_lose_domain = F.col("is_drawn") & ~F.col("is_cold_user")
    columns = ["in_train", "is_fold_in", *(() if repeats.allows_none else ("after_days", "cut_at"))]
    marked = (
        events.filter(F.col("event_weight") > 0)
        # Drawn before the shuffle, so that the ids do not pass through it.
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
        # All later windows and sums are per user or per pair: one shuffle is enough.
        .repartition("user_index")
        .select(
            "*",
            F.row_number().over(in_order).alias("number"),
            F.count("*").over(of_user).alias("numbers"),
            (may_lose_domain & has_several & (draw == F.min(draw).over(of_user))).alias("is_in_held_out_domain"),
        )
        .withColumn("first_number", F.min("number").over(of_pair))
        .transform(lambda numbered: _with_place(numbered, repeats, of_pair, of_rest))
        .withColumn("items", F.max("place").over(of_rest))
        .withColumn("is_old", F.col("place") <= F.col("items") - _held_out(fractions.newest))
        .withColumn("may_be_input", F.col("is_old") & ~F.col("is_cold_item") & ~F.col("is_in_held_out_domain"))
        .withColumn("in_train", ~F.col("is_cold_user") & F.col("may_be_input"))
        .withColumn("is_fold_in", F.col("is_cold_user") & F.col("may_be_input"))
    )
    if not repeats.allows_none:
        marked = marked.withColumn("cut_at", F.min(F.when(~F.col("is_old"), F.col("occurred_at"))).over(of_rest))
    return marked.select(
        "user_index",
        "item_index",
        "is_old",
        "event_id",
        "number",
        "numbers",
        "occurred_at",
        "event_weight",
        "half_life_days",
        *columns,
    )


def repeatable(split_events: DataFrame, as_of: datetime) -> DataFrame:
    """Return (user_index, item_index, is_repeated) of the pairs before the cut that may be recommended again then.

    A pair may when its last event in train (or fold-in) is `after_days` old at the cut; for a user without a cut, at
    `as_of`. Repeated are the pairs with an event from the cut on.
    """
    is_input = F.col("in_train") | F.col("is_fold_in")
    cut = F.coalesce(F.max(F.unix_micros("cut_at")), F.lit(micros_of(as_of)))
    age = F.col("cut_micros") - F.col("last_input_micros")
    return (
        split_events.filter(F.col("after_days").isNotNull())
        .groupBy("user_index", "item_index")
        .agg(
            F.max(F.when(is_input, F.unix_micros("occurred_at"))).alias("last_input_micros"),
            F.bool_or(~is_input).alias("is_repeated"),
            F.max(F.col("after_days").cast("bigint") * DAY_MICROSECONDS).alias("pause_micros"),
            cut.alias("cut_micros"),
        )
        .filter(F.col("last_input_micros").isNotNull() & (age >= F.col("pause_micros")))
        .select("user_index", "item_index", "is_repeated")
    )


def holdout(pairs: DataFrame, repeatable: DataFrame | None = None) -> DataFrame:
    """Return the pairs (user_index, item_index) that the evaluation fit must predict, repeats included."""
    if repeatable is None:
        return pairs.filter(~F.col("in_train")).select("user_index", "item_index")
    repeated = repeatable.filter("is_repeated").select("user_index", "item_index", "is_repeated")
    return (
        pairs.join(repeated, on=["user_index", "item_index"], how="left")
        .filter(~F.col("in_train") | F.col("is_repeated"))
        .select("user_index", "item_index")
    )


def train_seen(
    events: DataFrame, pairs: DataFrame, fractions: Fractions, seed: int, repeats: Repeats = NEVER
) -> DataFrame:
    """Return (user_index, item_index) that users saw before their cut without a positive event, as of the cut.

    Publications leave out what a user has seen, liked or not; so does the evaluation. Nobody has seen a cold item, and
    a cold user who is not folded in has seen nothing. Where items may be recommended again none is left out.
    """
    unliked = (
        events.filter(F.coalesce("event_weight", F.lit(0.0)) <= 0)
        .filter(~_drawn("item_id", fractions.cold, seed) & after_days(repeats).isNull())
        .groupBy("user_index", "item_index")
        .agg(F.min("occurred_at").alias("seen_at"))
    )
    cuts = pairs.groupBy("user_index").agg(
        F.min(F.when(~F.col("is_old"), F.col("first_at"))).alias("cut_at"),
        F.bool_or(F.col("in_train") | F.col("is_fold_in")).alias("has_input"),
    )
    is_before_cut = F.col("cut_at").isNull() | (F.col("seen_at") < F.col("cut_at"))
    return (
        unliked.join(cuts, on="user_index")
        .filter(F.col("has_input") & is_before_cut)
        .select("user_index", "item_index")
    )


def fold_in_items(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, recency) of the pairs that users are folded in by; recency 1 is the newest."""
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last_at"), F.asc("item_index"))
    recency = F.row_number().over(newest_first).alias("recency")
    return pairs.filter("is_fold_in").select("user_index", "item_index", recency)


def _with_place(events: DataFrame, repeats: Repeats, of_pair: WindowSpec, of_rest: WindowSpec) -> DataFrame:
    """Add `place`: the number, from 1 for the oldest, of an event's item among the user's items."""
    if repeats.allows_none:
        return events.withColumn("place", F.dense_rank().over(of_rest.orderBy("first_number")))
    since = F.unix_micros("occurred_at") - F.unix_micros(F.lag("occurred_at").over(of_pair.orderBy("number")))
    pause = F.col("after_days").cast("bigint") * DAY_MICROSECONDS
    is_first, is_repeat = F.col("number") == F.col("first_number"), F.coalesce(since >= pause, F.lit(False))
    # A pair that may not be a repeat moves with all its events.
    of_domain = F.when(F.col("after_days").isNotNull(), F.col("so_far")).otherwise(F.min("so_far").over(of_pair))
    return (
        events.withColumn("after_days", after_days(repeats))
        .withColumn("is_counted", (is_first | is_repeat).cast("int"))
        .withColumn("so_far", F.sum("is_counted").over(of_rest.orderBy("number")))
        .withColumn("place", of_domain)
    )


def _held_out(fraction: float) -> Column:
    if fraction == 0.0:
        return F.lit(0)
    # 0.29 * 100 is 28.999999999999996: the small addend keeps the floor at the intended number.
    held_out = F.floor(F.col("items") * F.lit(fraction) + F.lit(1e-9))
    return F.when(F.col("items") < 2, F.lit(0)).otherwise(F.greatest(held_out, F.lit(1)))


def _drawn(id_column: str, fraction: float, seed: int, draw: str = "cold") -> Column:
    # Hashing the id, not a random number per row: the draw does not depend on partitions. The column's name keeps a
    # user and an item of the same id apart, the draw's name the users of two draws.
    names = [F.lit(id_column)] if draw == "cold" else [F.lit(draw), F.lit(id_column)]
    bucket = F.pmod(F.xxhash64(*names, F.col(id_column), F.lit(seed)), F.lit(_HASH_BUCKETS))
    return bucket < F.lit(round(fraction * _HASH_BUCKETS))
