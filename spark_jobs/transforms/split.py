"""The split: which positive events a fit trains on, by time and by draws of cold users, cold items and domains.

Reads numbered events; the marks are read by holdout, pair_weights and trending. A pair is split by its first positive
event and moves with all its events, so that no event of a held-out pair is in train. Where repeats are allowed, a
pair's events are split by time instead (docs/decisions/repeats.md), and so are those of every pair by the kind `time`.
"""

from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from nightjar.contract.holdout_kind import HoldoutKind
from nightjar.contract.repeat_rule import NEVER, Repeats
from spark_jobs.transforms.repeats import DAY_MICROSECONDS, after_days
from spark_jobs.transforms.time_cut import cut_micros

_HASH_BUCKETS = 1_000_000
_DRAWS = ("is_cold_user", "is_cold_item", "is_drawn", "domain_draw")


@dataclass(frozen=True)
class Split:
    """What is held out; fractions are from 0 (nothing) to 1.

    Attributes:
        fraction: by time, of each user's items (`newest`) or of all pairs (`time`); above 0, `newest` and `last` hold
            out at least one item where the user has two.
        cold: of the users, and of the items, with all their pairs.
        domain: of the users with several domains, with all their pairs in one of these domains.
        seed: of the draws.
        kind: how time splits.
        repeats: what may be recommended again.
    """

    fraction: float
    cold: float
    domain: float
    seed: int
    kind: HoldoutKind = "newest"
    repeats: Repeats = NEVER

    @property
    def draws(self) -> list[str]:
        """Names of the columns that `in_order` adds for this split."""
        return [f"{name}_{self.seed}" for name in _DRAWS]

    def again(self) -> "Split":
        """Return the same split of the events that this one leaves in train, with draws of its own."""
        return replace(self, seed=self.seed + 1)

    def cold_item(self) -> Column:
        """Whether the row's `item_id` is drawn."""
        return _drawn("item_id", self.cold, self.seed)


def in_order(events: DataFrame, *splits: Split) -> DataFrame:
    """Return the positive events with their order and the draws of some splits, without ids.

    An event is the `number`-th of its user's `numbers` positive events, from 1 for the oldest; event ids order the
    events of one instant. Users, items and domains are drawn by hashes of their ids. `cut_at` is null: no split yet.
    """
    oldest_first = Window.partitionBy("user_index").orderBy("occurred_at", "event_id")
    # Ordered although no order is needed: one sort and one pass compute both.
    of_user = oldest_first.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    draws = [draw.alias(name) for split in splits for name, draw in zip(split.draws, _draws(split), strict=True)]
    facts = ("user_index", "item_index", "domain", "occurred_at", "event_weight", "half_life_days")
    return (
        events.filter(F.col("event_weight") > 0)
        # Drawn before the shuffle, so that the ids do not pass through it.
        .select(*facts, "event_id", *draws)
        # All later windows and sums are per user or per pair: one shuffle is enough.
        .repartition("user_index")
        .select(
            *facts,
            *(name for split in splits for name in split.draws),
            F.row_number().over(oldest_first).alias("number"),
            F.count("*").over(of_user).alias("numbers"),
            F.lit(None).cast("timestamp").alias("cut_at"),
        )
    )


def mark_train(events: DataFrame, split: Split, *later: Split) -> DataFrame:
    """Return the events `in_order` with `in_train`, `is_fold_in`, `after_days` and `cut_at`.

    `is_fold_in` are the events of cold users that time alone would have left in train: these users are folded in by
    them. `after_days` is that of the event's domain, null for never. `cut_at` is the time of the user's first event
    that time holds out, of the kind `time` the same for all users; where there is none, what it was before.
    The draws of `later` splits are kept.
    """
    is_cold_user, is_cold_item, is_drawn, domain_draw = (F.col(name) for name in split.draws)
    of_user = Window.partitionBy("user_index")
    # The other domains of a user whose domain is held out are split by time like every other user's items.
    of_rest = Window.partitionBy("user_index", "is_in_held_out_domain")
    draw = F.struct(domain_draw, "domain")
    has_several = F.min("domain").over(of_user) != F.max("domain").over(of_user)
    may_lose_domain = is_drawn & ~is_cold_user
    may_be_input = F.col("is_old") & ~is_cold_item & ~F.col("is_in_held_out_domain")
    return (
        events.withColumn("is_in_held_out_domain", may_lose_domain & has_several & (draw == F.min(draw).over(of_user)))
        .withColumn("after_days", after_days(split.repeats))
        .transform(lambda each: _with_time(each, split, of_rest))
        .select(
            "user_index",
            "item_index",
            "domain",
            "number",
            "numbers",
            "occurred_at",
            "event_weight",
            "half_life_days",
            (~is_cold_user & may_be_input).alias("in_train"),
            (is_cold_user & may_be_input).alias("is_fold_in"),
            "after_days",
            F.coalesce("time_cut_at", "cut_at").alias("cut_at"),
            *(name for each in later for name in each.draws),
        )
    )


def _with_time(events: DataFrame, split: Split, of_rest: WindowSpec) -> DataFrame:
    """Add `is_old`, whether time leaves the event before the cut, and the cut, `time_cut_at`."""
    if split.kind == "time":
        cut = F.timestamp_micros(F.lit(cut_micros(events, split.fraction)).cast("bigint"))
        is_old = F.coalesce(F.col("occurred_at") < F.col("time_cut_at"), F.lit(True))
        return events.withColumn("time_cut_at", cut).withColumn("is_old", is_old)
    return (
        _with_place(events, split.repeats, of_rest)
        .withColumn("items", F.max("place").over(of_rest))
        .withColumn("is_old", F.col("place") <= F.col("items") - _held_out(split))
        .withColumn("time_cut_at", F.min(F.when(~F.col("is_old"), F.col("occurred_at"))).over(of_rest))
    )


def _with_place(events: DataFrame, repeats: Repeats, of_rest: WindowSpec) -> DataFrame:
    """Add `place`: the number, from 1 for the oldest, of an event's item among the user's items.

    Where repeats are allowed, each event that could have been recommended counts as one of the user's items: the first
    of a pair, and one that is `after_days` or more after the pair's last.
    """
    of_pair = Window.partitionBy("user_index", "item_index")
    events = events.withColumn("first_number", F.min("number").over(of_pair))
    if repeats.allows_none:
        return events.withColumn("place", F.dense_rank().over(of_rest.orderBy("first_number")))
    since = F.unix_micros("occurred_at") - F.unix_micros(F.lag("occurred_at").over(of_pair.orderBy("number")))
    pause = F.col("after_days").cast("bigint") * DAY_MICROSECONDS
    is_first, is_repeat = F.col("number") == F.col("first_number"), F.coalesce(since >= pause, F.lit(False))
    # A pair that may not be a repeat moves with all its events.
    of_domain = F.when(F.col("after_days").isNotNull(), F.col("so_far")).otherwise(F.min("so_far").over(of_pair))
    return (
        events.withColumn("is_counted", (is_first | is_repeat).cast("int"))
        .withColumn("so_far", F.sum("is_counted").over(of_rest.orderBy("number")))
        .withColumn("place", of_domain)
    )


def _held_out(split: Split) -> Column:
    if split.fraction == 0.0:
        return F.lit(0)
    if split.kind == "last":
        return (F.col("items") >= 2).cast("int")
    # 0.29 * 100 is 28.999999999999996: the small addend keeps the floor at the intended number.
    held_out = F.floor(F.col("items") * F.lit(split.fraction) + F.lit(1e-9))
    return F.when(F.col("items") < 2, F.lit(0)).otherwise(F.greatest(held_out, F.lit(1)))


def _draws(split: Split) -> tuple[Column, ...]:
    return (
        _drawn("user_id", split.cold, split.seed),
        split.cold_item(),
        _drawn("user_id", split.domain, split.seed, draw="domain"),
        F.xxhash64("user_id", "domain", F.lit(split.seed)),
    )


def _drawn(id_column: str, fraction: float, seed: int, draw: str = "cold") -> Column:
    # Hashing the id, not a random number per row: the draw does not depend on partitions. The column's name keeps a
    # user and an item of the same id apart, the draw's name the users of two draws.
    names = [F.lit(id_column)] if draw == "cold" else [F.lit(draw), F.lit(id_column)]
    bucket = F.pmod(F.xxhash64(*names, F.col(id_column), F.lit(seed)), F.lit(_HASH_BUCKETS))
    return bucket < F.lit(round(fraction * _HASH_BUCKETS))
