"""The items that each user has seen, newest first; build_features writes `seen`, score_users leaves these items out."""

from datetime import datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.transforms.repeats import whole_days_before


def seen_pairs(events: DataFrame) -> DataFrame:
    """Return (user_index, item_index, events, last_at, recency) of every pair with an event, whatever its weight.

    Recency 1 is the user's newest item; event ids order the items of one instant.
    """
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last"))
    return (
        # By user, not by pair: the ranks within a user need no other shuffle.
        events.select("user_index", "item_index", F.struct("occurred_at", "event_id").alias("event"))
        .repartition("user_index")
        .groupBy("user_index", "item_index")
        .agg(F.count("*").alias("events"), F.max("event").alias("last"))
        .select(
            "user_index",
            "item_index",
            "events",
            F.col("last.occurred_at").alias("last_at"),
            F.row_number().over(newest_first).alias("recency"),
        )
    )


def seen(pairs: DataFrame, as_of: datetime) -> DataFrame:
    """Return (user_index, item_index, recency, days_since) of the seen pairs.

    days_since are the whole days from the pair's last event to `as_of`.
    """
    return pairs.select("user_index", "item_index", "recency", whole_days_before(as_of, "last_at").alias("days_since"))
