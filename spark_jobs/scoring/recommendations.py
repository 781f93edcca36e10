"""Top-K items for every user and domain, in blocks of users; score_users writes them as `recommendations`.

A block is `user_index // block_users`, so that its users, the shape of its products and hence every bit of its
scores are the same however Spark spreads the blocks.
"""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.errors import BadInput
from nightjar.contract.repeat_rule import NEVER, Repeats
from nightjar.ranking import candidates
from nightjar.ranking.user_block import score_block

SCHEMA = "user_id string, domain string, rank int, item_id string, score float, source string, reason_item_id string"


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
    """Return the lists of all users with the columns of `SCHEMA`; the workers read the items from the run folder.

    Raises:
        BadInput: items may come back, and the features are of a version that did not keep when they were met.
    """

    def score(users: pa.Table, seen_rows: pa.Table) -> pa.Table:
        with threadpool_limits(1):
            return score_block(users, seen_rows, candidates.load(run_folder), k, diversity_weight, repeats)

    block = F.floor(F.col("user_index") / block_users).alias("block")
    users = user_ids.join(user_segments, on="user_index", how="left").select(block, "user_index", "user_id", "segment")
    days = [] if repeats.allows_none else ["days_since"]
    if days and days[0] not in seen.columns:
        raise BadInput(
            f"NIGHTJAR_REPEAT_AFTER_DAYS is set and the features in {run_folder} were built by a version that did not "
            "keep when items were met: run the stage features again",
            code="missing_columns",
            setting="NIGHTJAR_REPEAT_AFTER_DAYS",
            path=run_folder,
            columns=days,
        )
    # What is seen but not liked has no weight.
    seen_rows = seen.join(interactions, on=["user_index", "item_index"], how="left").select(
        block, "user_index", "item_index", "recency", "weight", *days
    )
    return users.groupBy("block").cogroup(seen_rows.groupBy("block")).applyInArrow(score, SCHEMA)
