"""What each user has met, newest first; build_features writes it as `seen`, score_users leaves these items out."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def seen(events: DataFrame) -> DataFrame:
    """Return (user_index, item_index, recency) over all events, whatever their weight; recency 1 is the newest item."""
    newest_first = Window.partitionBy("user_index").orderBy(F.desc("last_at"), F.asc("item_index"))
    return (
        events.repartition("user_index")
        .groupBy("user_index", "item_index")
        .agg(F.max("occurred_at").alias("last_at"))
        # item_index follows the order of item_id, so ties go by id.
        .select("user_index", "item_index", F.row_number().over(newest_first).alias("recency"))
    )
