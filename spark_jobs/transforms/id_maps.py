"""Indices of users and items: the one place where text ids become 0..n-1.

Reads the snapshot's interactions, users and items; build_features writes the maps as `user_ids` and `item_ids`.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

DEFAULT_DOMAIN = "default"


def number_users(users: DataFrame, interactions: DataFrame) -> DataFrame:
    """Return (user_index, user_id) of every user who is registered or has an event."""
    ids = users.select("user_id").union(interactions.select("user_id")).distinct()
    return _numbered(ids, "user").select("user_index", "user_id")


def number_items(items: DataFrame, interactions: DataFrame) -> DataFrame:
    """Return (item_index, item_id, domain, title, is_available) of every item that is listed or has an event."""
    ids = items.select("item_id").union(interactions.select("item_id")).distinct()
    return (
        _numbered(ids, "item")
        .join(items, on="item_id", how="left")
        .select(
            "item_index",
            "item_id",
            F.coalesce("domain", F.lit(DEFAULT_DOMAIN)).alias("domain"),
            "title",
            F.coalesce("is_available", F.lit(True)).alias("is_available"),
        )
    )


def number_events(interactions: DataFrame, users: DataFrame, items: DataFrame) -> DataFrame:
    """Return the interactions with `user_index` and `item_index` beside their ids, and the items' domains."""
    return (
        interactions.join(users, on="user_id", how="inner")
        .join(items, on="item_id", how="inner")
        .select(
            "user_index",
            "item_index",
            "user_id",
            "item_id",
            "domain",
            "event_id",
            "occurred_at",
            "event_weight",
            "half_life_days",
        )
    )


def user_ids(users: DataFrame, seen: DataFrame, pairs: DataFrame) -> DataFrame:
    """Return the map of users with their events, distinct train items and distinct positive items."""
    return _counted(users, seen, pairs, "user_index", "items").select(
        "user_index", "user_id", "events", "train_items", "items"
    )


def item_ids(items: DataFrame, seen: DataFrame, pairs: DataFrame) -> DataFrame:
    """Return the map of items with their events, distinct train users and distinct positive users."""
    return _counted(items, seen, pairs, "item_index", "users").select(
        "item_index", "item_id", "domain", "title", "is_available", "events", "train_users", "users"
    )


def _numbered(ids: DataFrame, entity: str) -> DataFrame:
    # A window without partition sorts in one task. Only the ids pass through it, it spills to disk, and the indices
    # do not depend on how the input was partitioned.
    position = F.row_number().over(Window.orderBy(f"{entity}_id"))
    return ids.select((position - 1).cast("int").alias(f"{entity}_index"), f"{entity}_id")


def _counted(entities: DataFrame, seen: DataFrame, pairs: DataFrame, index: str, others: str) -> DataFrame:
    counted_events = seen.groupBy(index).agg(F.sum("events").alias("events"))
    counted_pairs = pairs.groupBy(index).agg(
        F.count("*").alias(others), F.count_if("in_train").alias(f"train_{others}")
    )
    return (
        entities.join(counted_events, on=index, how="left")
        .join(counted_pairs, on=index, how="left")
        .fillna(0, ["events", others, f"train_{others}"])
    )
