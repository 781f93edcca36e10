"""The items that each user has seen, newest first; build_features writes `seen`, score_users leaves these items out."""

from datetime import datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.transforms.repeats import whole_days_before


def seen_pairs(events: DataFrame) -> DataFrame:
    """Return (user_index, item_index, events, last_at) of every pair with an event, whatever its weight."""
    return (
        # By user, not by pair: the ranks within a user need no other shuffle.
        events.select("user_index", "item_index", "occurred_at")
        .repartition("user_index")
        .groupBy("user_index", "item_index")
        .agg(F.count("*").alias("events"), F.max("occurred_at").alias("last_at"))
        .select("user_index", "item_index", "events", "last_at")
    )


def seen(pairs: DataFrame, as_of: datetime) -> DataFrame:
    """Return (user_index, item_index, recency, days_since) of the seen pairs.

    Recency 1 is the user's newest item; days_since are the whole days from the pair's last event to `as_of`.
    """
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last_at"), F.asc("item_index"))
    # item_index follows the order of item_id, so ties go by id.
    recency = F.row_number().over(newest_first).alias("recency")
    return pairs.select("user_index", "item_index", recency, whole_days_before(as_of, "last_at").alias("days_since"))
