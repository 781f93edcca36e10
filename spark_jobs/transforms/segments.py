"""Segments: groups of users who share a feature, large enough for popular items of their own.

Reads the folded user features; build_features writes each user's segment as `user_segments`.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from nightjar.contract.tables import EVERYONE


def segment_carriers(folded: DataFrame, min_users: int) -> DataFrame:
    """Return (user_index, segment, users) for every feature that at least `min_users` users carry."""
    return (
        folded.withColumn("users", F.count("*").over(Window.partitionBy("feature")))
        # A feature of this name would coincide with the segment of all users.
        .filter((F.col("users") >= min_users) & (F.col("feature") != EVERYONE))
        .select("user_index", F.col("feature").alias("segment"), "users")
    )


def user_segments(carriers: DataFrame) -> DataFrame:
    """Return (user_index, segment): the smallest of a user's segments, ties by name."""
    return (
        carriers.groupBy("user_index")
        .agg(F.min(F.struct("users", "segment")).alias("smallest"))
        .select("user_index", F.col("smallest.segment").alias("segment"))
    )
