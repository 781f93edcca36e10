"""Settings of the features of users and items, and of the weights of a user's events."""

from pathlib import Path

from pydantic import field_validator

from nightjar.contract.settings.field import PositiveInt, SettingsGroup, setting
from nightjar.contract.settings.ranges import OneOf


class FeatureSettings(SettingsGroup):
    """Features."""

    # The Spark job that builds features is started again for each combination of these: they have few values.
    recency_rank_power: float = setting(
        2.0,
        recorded="features",
        tunable=OneOf((0.0, 1.0, 2.0, 3.0)),
        jobs=("build_features",),
        ge=0,
        description="Exponent p of the weight (n/N)^p of the n-th of a user's N events; 0: all events weigh alike, "
        "which suits users who come back after days.",
    )
    max_feature_weight: float = setting(
        10.0,
        recorded="features",
        tunable=OneOf((2.0, 5.0, 10.0)),
        jobs=("build_features",),
        gt=0,
        description="Largest sum of the feature weights of one item or user; larger sums are scaled down to it.",
    )
    min_feature_support: PositiveInt = setting(
        3,
        recorded="features",
        jobs=("build_features",),
        description="Items (or users) that must carry a feature; rarer ones are merged into `kind:(rare)`.",
    )
    title_word_weight: float = setting(
        0.0,
        recorded="model",
        ge=0,
        allow_inf_nan=False,
        description="Weight of each title token as a feature of the item, whose identity weighs 1; 0: titles are no "
        "features.",
    )
    text_model: str = setting(
        "",
        recorded="model",
        description="Folder of a sentence-transformers model that turns titles and descriptions into features of "
        "items; empty: none.",
    )
    text_dimensions: PositiveInt = setting(
        16, recorded="model", description="Most dimensions that the text embeddings are reduced to (PCA)."
    )
    text_weight: float = setting(
        1.0,
        recorded="model",
        gt=0,
        allow_inf_nan=False,
        description="Sum of the weights of an item's text features, whose identity weighs 1; "
        "NIGHTJAR_MAX_FEATURE_WEIGHT does not limit them.",
    )

    # What ran before these settings read no vectors: a weight of 0, beside which the dimensions count for nothing.
    vector_dimensions: PositiveInt = setting(
        16,
        recorded="model",
        before_recording="16",
        description="Most dimensions that LightFM gets of the vectors of a kind (PCA).",
    )
    vector_weight: float = setting(
        1.0,
        recorded="model",
        before_recording="0.0",
        ge=0,
        allow_inf_nan=False,
        description="Sum of the weights of an item's or user's features of each kind of vectors, whose identity weighs "
        "1; 0: vectors count for nothing.",
    )

    @field_validator("text_model")
    @classmethod
    def _absolute_text_model(cls, folder: str) -> str:
        return str(Path(folder).expanduser().absolute()) if folder else ""
