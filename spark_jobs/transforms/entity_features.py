"""Feature matrices of users and of items: identity features plus folded, capped metadata.

Reads a snapshot's features and an id map; build_features writes `<entity>_features` and `<entity>_feature_names`.
`entity` is `user` or `item` and names the columns `<entity>_id` and `<entity>_index`.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

IDENTITY_KIND = "id"
RARE = "(rare)"


def fold_rare(features: DataFrame, numbered: DataFrame, entity: str, min_support: int) -> DataFrame:
    """Return (index, feature, weight), with features of fewer than `min_support` carriers folded into `<kind>:(rare)`.

    Several rare features of one kind and carrier become one, with the largest of their weights.
    """
    index = f"{entity}_index"
    support = F.count("*").over(Window.partitionBy("feature"))
    kind = F.substring_index("feature", ":", 1)
    folded = F.when(F.col("support") < min_support, F.concat(kind, F.lit(f":{RARE}"))).otherwise(F.col("feature"))
    # A source feature of the kind `id` would coincide with the identity feature of another entity.
    given = F.when(kind == IDENTITY_KIND, F.concat(F.lit("given-"), "feature")).otherwise(F.col("feature"))
    return (
        features.join(numbered, on=f"{entity}_id", how="inner")
        .select(index, given.alias("feature"), "weight")
        .withColumn("support", support)
        .groupBy(index, folded.alias("feature"))
        .agg(F.max("weight").alias("weight"))
        .select(index, "feature", "weight")
    )


def matrix(folded: DataFrame, ids: DataFrame, entity: str, max_weight: float) -> DataFrame:
    """Return (index, feature, value): metadata whose sum per carrier is at most `max_weight`, and identities of 1.

    Only an entity with a positive event has an identity: no event could train one for the others.
    """
    index, others = f"{entity}_index", "items" if entity == "user" else "users"
    # Summed in the order of the features, so that the last bit does not depend on the partitions.
    whole = Window.partitionBy(index).orderBy("feature")
    total = F.sum("weight").over(whole.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing))
    scale = F.least(F.lit(1.0), F.lit(max_weight) / F.col("total"))
    metadata = folded.withColumn("total", total).select(index, "feature", (F.col("weight") * scale).alias("value"))
    identities = ids.filter(F.col(others) > 0).select(
        index, F.concat(F.lit(f"{IDENTITY_KIND}:"), f"{entity}_id").alias("feature"), F.lit(1.0).alias("value")
    )
    return metadata.unionByName(identities).select(index, "feature", "value")


def feature_names(named_values: DataFrame) -> DataFrame:
    """Return (feature_index, feature, support), numbered in the binary order of the names."""
    support = named_values.groupBy("feature").agg(F.count("*").alias("support"))
    position = F.row_number().over(Window.orderBy("feature"))
    return support.select((position - 1).cast("int").alias("feature_index"), "feature", "support")


def feature_values(named_values: DataFrame, names: DataFrame, entity: str) -> DataFrame:
    """Return the matrix as (index, feature_index, value)."""
    return named_values.join(names, on="feature", how="inner").select(f"{entity}_index", "feature_index", "value")
