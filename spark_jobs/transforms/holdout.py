"""What an evaluation must predict, what it may not recommend, and by what it folds users in, as of their cuts.

Reads the events that split has marked and their pairs; build_features writes the held-out pairs as `holdout`, those
that users are folded in by as `shown`, what users had seen besides as `train_seen`, and what may be recommended again
as `repeatable`; those of the choice window with `choice_` before their names.
"""

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.transforms.repeats import DAY_MICROSECONDS, after_days, micros_of
from spark_jobs.transforms.split import Split


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


def train_seen(events: DataFrame, pairs: DataFrame, *splits: Split) -> DataFrame:
    """Return (user_index, item_index) that users saw before their cut without a positive event, as of the cut.

    Publications leave out what a user has seen, liked or not; so does the evaluation. Nobody has seen an item that one
    of the splits drew as cold, and a cold user who is not folded in has seen nothing. Where items may be recommended
    again none is left out.

    Args:
        events: numbered, of any weight.
        pairs: of the last of the splits.
        splits: those that were applied, one to the train events of the other.
    """
    unliked = events.filter(F.coalesce("event_weight", F.lit(0.0)) <= 0)
    for split in splits:
        unliked = unliked.filter(~split.cold_item() & after_days(split.repeats).isNull())
    seen = unliked.groupBy("user_index", "item_index").agg(F.min("occurred_at").alias("seen_at"))
    cuts = pairs.groupBy("user_index").agg(
        F.min("cut_at").alias("cut_at"), F.bool_or(F.col("in_train") | F.col("is_fold_in")).alias("has_input")
    )
    is_before_cut = F.col("cut_at").isNull() | (F.col("seen_at") < F.col("cut_at"))
    return (
        seen.join(cuts, on="user_index", how="inner")
        .filter(F.col("has_input") & is_before_cut)
        .select("user_index", "item_index")
    )


def fold_in_items(pairs: DataFrame) -> DataFrame:
    """Return (user_index, item_index, recency) of the pairs that users are folded in by; recency 1 is the newest."""
    return pairs.filter("is_fold_in").select("user_index", "item_index", F.col("input_rank").alias("recency"))
