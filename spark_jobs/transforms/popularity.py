"""Popular items per segment and domain, by users with decaying weights.

build_features writes `popularity`, with which score_users fills top-K lists, and `train_popularity`, with which the
evaluation does; of the choice window, `choice_train_popularity`.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from nightjar.contract.tables import EVERYONE
from spark_jobs.transforms.pair_weights import MICROS


def popularity(
    pairs: DataFrame, items: DataFrame, carriers: DataFrame, popular_k: int, micros: str = "popularity_micros"
) -> DataFrame:
    """Return (segment, domain, rank, item_index, score), the score a sum over users of their weight of the item.

    The segment `all` ranks every available item, those without events last; other segments rank the `popular_k` most
    popular available items of their carriers. Ties go by item id. `micros` is the column of the weights.
    """
    available = items.filter("is_available").select("item_index", "domain")
    total = F.sum(micros).alias("micros")
    by_item = pairs.groupBy("item_index").agg(total)
    by_segment = pairs.join(carriers, on="user_index", how="inner").groupBy("segment", "item_index").agg(total)
    everyone = available.join(by_item, on="item_index", how="left").select(
        F.lit(EVERYONE).alias("segment"), "domain", "item_index", F.coalesce("micros", F.lit(0)).alias("micros")
    )
    segments = available.join(by_segment, on="item_index", how="inner").select(
        "segment", "domain", "item_index", "micros"
    )
    return (
        _ranked(everyone)
        .unionByName(_ranked(segments).filter(F.col("rank") <= popular_k))
        .select("segment", "domain", "rank", "item_index", (F.col("micros") / MICROS).alias("score"))
    )


def train_popularity(pairs: DataFrame, items: DataFrame, carriers: DataFrame, popular_k: int) -> DataFrame:
    """Return what `popularity` would have been without the holdout, whose items were available until then."""
    held_out = pairs.filter(~F.col("in_train")).select("item_index").distinct().withColumn("is_held_out", F.lit(True))
    competing = items.join(held_out, on="item_index", how="left").withColumn(
        "is_available", F.col("is_available") | F.coalesce("is_held_out", F.lit(False))
    )
    return popularity(pairs.filter("in_train"), competing, carriers, popular_k, "train_popularity_micros")


def popular_items(popular: DataFrame, items: DataFrame, popular_k: int) -> DataFrame:
    """Return the best `popular_k` items of each list with their ids: (segment, domain, rank, item_id, score)."""
    return (
        popular.filter(F.col("rank") <= popular_k)
        .join(items.select("item_index", "item_id"), on="item_index", how="inner")
        .select("segment", "domain", "rank", "item_id", F.col("score").cast("float").alias("score"))
    )


def _ranked(scored: DataFrame) -> DataFrame:
    best_first = Window.partitionBy("segment", "domain").orderBy(F.desc("micros"), F.asc("item_index"))
    return scored.withColumn("rank", F.row_number().over(best_first))
