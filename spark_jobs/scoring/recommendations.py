"""Recommendations for every user and domain, in blocks of users; score_users writes them as `recommendations`.

A block is `user_index // block_users`, so that its users, the shape of its products and hence every bit of its
scores are the same however Spark distributes the blocks.
"""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.errors import BadInput
from nightjar.contract.repeat_rule import NEVER, Repeats
from nightjar.ranking.catalogue import load_catalogue
from nightjar.ranking.recommendation_rows import recommend_to_block

SCHEMA = (
    "user_id string, domain string, rank int, item_id string, score float, source string, contributions string, "
    "reason_item_id string"
)


def recommendations(
    user_ids: DataFrame,
    user_segments: DataFrame,
    seen: DataFrame,
    interactions: DataFrame,
    run_folder: str,
    k: int,
    diversity_weight: float,
    block_users: int,
    repeats: Repeats = NEVER,
) -> DataFrame:
    """Return recommendations for all users, columns as in `SCHEMA`; the workers read the items from the run folder.

    Raises:
        BadInput: repeats are allowed, and the features of an earlier version have no `days_since`.
    """

    def score(users: pa.Table, seen_rows: pa.Table) -> pa.Table:
        with threadpool_limits(1):
            return recommend_to_block(users, seen_rows, load_catalogue(run_folder), k, diversity_weight, repeats)

    block = F.floor(F.col("user_index") / block_users).alias("block")
    users = user_ids.join(user_segments, on="user_index", how="left").select(block, "user_index", "user_id", "segment")
    days = [] if repeats.allows_none else ["days_since"]
    if days and days[0] not in seen.columns:
        raise BadInput(
            f"the features in {run_folder} have no column days_since, which NIGHTJAR_REPEAT_AFTER_DAYS needs: an "
            "earlier version built them, run the stage group features again",
            code="missing_columns",
            setting="NIGHTJAR_REPEAT_AFTER_DAYS",
            path=run_folder,
            columns=days,
        )
    # Features of earlier versions have no newest_rank.
    liked = [name for name in ("weight", "newest_rank") if name in interactions.columns]
    # A seen pair without a positive event has neither.
    seen_rows = seen.join(interactions, on=["user_index", "item_index"], how="left").select(
        block, "user_index", "item_index", "recency", *liked, *days
    )
    return users.groupBy("block").cogroup(seen_rows.groupBy("block")).applyInArrow(score, SCHEMA)
