"""The time split: which positive events the evaluation fit may see, and which pairs it must predict.

Reads numbered events; build_features writes the held-out pairs as `holdout`, what fold-in may see as `shown`, and what
lists may hold again as `repeatable`. A pair is split by its first positive event and moves with all its events, so that
nothing a model is asked to predict was shown to it. Where items may be recommended again, a pair's events are split by
time instead: docs/decisions/repeats.md.
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
    """What is held out, as shares from 0 (nothing) to below 1.

    Attributes:
        newest: of each user's items the newest, at least one where the user has two.
        cold: of the users, and of the items, with every pair of theirs.
        domain: of the users with several domains, with every pair in one of these domains.
    """

    newest: float
    cold: float
    domain: float


def mark_train(events: DataFrame, fractions: Fractions, seed: int, repeats: Repeats = NEVER) -> DataFrame:
    """Return the positive events with `in_train` and `is_shown`; out of train is what `fractions` says.

    An event is the `number`-th of its user's `numbers` positive events, from 1 for the oldest.
    Shown are the events of cold users that time alone would have left in train: a user who is folded in has these.
    Users, items and domains are drawn by hashes of their ids.
    Where `repeats` allows some, the events also have `after_days` of their domain and `cut_at`, the first instant of
    the user that time holds out, and what counts as an item of the user's newest is each event that a list could have
    foretold: the first of a pair, and one that comes `after_days` or later after the pair's last.
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
    columns = ["in_train", "is_shown", *(() if repeats.allows_none else ("after_days", "cut_at"))]
    marked = (
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
        .transform(lambda numbered: _placed(numbered, repeats, of_pair, of_rest))
        .withColumn("items", F.max("place").over(of_rest))
        .withColumn("is_old", F.col("place") <= F.col("items") - _held_out(fractions.newest))
        .withColumn("may_be_known", F.col("is_old") & ~F.col("is_cold_item") & ~F.col("is_lost"))
        .withColumn("in_train", ~F.col("is_cold_user") & F.col("may_be_known"))
        .withColumn("is_shown", F.col("is_cold_user") & F.col("may_be_known"))
    )
    if not repeats.allows_none:
        marked = marked.withColumn("cut_at", F.min(F.when(~F.col("is_old"), F.col("occurred_at"))).over(of_rest))
    return marked.select(
        "user_index",
        "item_index",
        "event_id",
        "number",
        "numbers",
        "occurred_at",
        "event_weight",
        "half_life_days",
        *columns,
    )


def repeatable(split_events: DataFrame, as_of: datetime) -> DataFrame:
    """Return (user_index, item_index, is_repeated) of the pairs known before the cut that a list may hold again there.

    A list of the instant of the cut may, when the pair's last event that train (or fold-in) sees is `after_days` old by
    then; of a user without a cut that instant is `as_of`. Repeated are the pairs with an event from the cut on.
    """
    is_known = F.col("in_train") | F.col("is_shown")
    cut = F.coalesce(F.max(F.unix_micros("cut_at")), F.lit(micros_of(as_of)))
    age = F.col("cut_micros") - F.col("known_micros")
    return (
        split_events.filter(F.col("after_days").isNotNull())
        .groupBy("user_index", "item_index")
        .agg(
            F.max(F.when(is_known, F.unix_micros("occurred_at"))).alias("known_micros"),
            F.bool_or(~is_known).alias("is_repeated"),
            F.max(F.col("after_days").cast("bigint") * DAY_MICROSECONDS).alias("pause_micros"),
            cut.alias("cut_micros"),
        )
        .filter(F.col("known_micros").isNotNull() & (age >= F.col("pause_micros")))
        .select("user_index", "item_index", "is_repeated")
    )


def holdout(pairs: DataFrame, repeatable: DataFrame | None = None) -> DataFrame:
    """Return the pairs (user_index, item_index) that the evaluation fit must predict, those that repeat with them."""
    if repeatable is None:
        return pairs.filter(~F.col("in_train")).select("user_index", "item_index")
    repeated = repeatable.filter("is_repeated").select("user_index", "item_index", "is_repeated")
    return (
        pairs.join(repeated, on=["user_index", "item_index"], how="left")
        .filter(~F.col("in_train") | F.col("is_repeated"))
        .select("user_index", "item_index")
    )


def shown(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, recency) of the shown pairs; recency 1 is the user's newest item."""
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last_at"), F.asc("item_index"))
    recency = F.row_number().over(newest_first).alias("recency")
    return pairs.filter("is_shown").select("user_index", "item_index", recency)


def _placed(events: DataFrame, repeats: Repeats, of_pair: WindowSpec, of_rest: WindowSpec) -> DataFrame:
    """Add `place`, from 1 for the oldest, of what an event belongs to among what the fractions count."""
    if repeats.allows_none:
        return events.withColumn("place", F.dense_rank().over(of_rest.orderBy("first_number")))
    since = F.unix_micros("occurred_at") - F.unix_micros(F.lag("occurred_at").over(of_pair.orderBy("number")))
    pause = F.col("after_days").cast("bigint") * DAY_MICROSECONDS
    is_first, comes_back = F.col("number") == F.col("first_number"), F.coalesce(since >= pause, F.lit(False))
    # A pair that never comes back moves with all its events.
    of_domain = F.when(F.col("after_days").isNotNull(), F.col("so_far")).otherwise(F.min("so_far").over(of_pair))
    return (
        events.withColumn("after_days", after_days(repeats))
        .withColumn("is_counted", (is_first | comes_back).cast("int"))
        .withColumn("so_far", F.sum("is_counted").over(of_rest.orderBy("number")))
        .withColumn("place", of_domain)
    )


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
