"""What each user has met, newest first; build_features writes it as `seen`, score_users leaves these items out."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def met_pairs(events: DataFrame) -> DataFrame:
    """Return (user_index, item_index, events, last_at) of every pair with an event, whatever its weight."""
    return (
        # By user, not by pair: the ranks within a user need no other shuffle.
        events.select("user_index", "item_index", "occurred_at")
        .repartition("user_index")
        .groupBy("user_index", "item_index")
        .agg(F.count("*").alias("events"), F.max("occurred_at").alias("last_at"))
        .select("user_index", "item_index", "events", "last_at")
    )


def seen(met: DataFrame) -> DataFrame:
    """Return (user_index, item_index, recency) of the pairs met; recency 1 is the user's newest item."""
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last_at"), F.asc("item_index"))
    # item_index follows the order of item_id, so ties go by id.
    return met.select("user_index", "item_index", F.row_number().over(newest_first).alias("recency"))
