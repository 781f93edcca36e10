"""Settings of how cold items are ranked."""

from typing import Literal

from nightjar.contract.settings.field import Fraction, PositiveInt, SettingsGroup, setting

# Of the settings cold_item_choice, blend_choice and epoch_choice.
FIXED = "fixed"


class ColdItemSettings(SettingsGroup):
    """Cold items."""

    cold_item_choice: Literal["holdout", "fixed"] = setting(
        "holdout",
        recorded="model",
        description="Where NIGHTJAR_COLD_ITEM_SHARE and NIGHTJAR_COLD_ITEM_REGRESSION_SHARE come from. holdout: each "
        "run replaces them where others are significantly better on its choice window; fixed: as they are set.",
    )
    cold_item_share: Fraction = setting(
        0.2,
        recorded="model",
        description="Blend weight, 0 to 1, of the item-item weights that come from a cold item's features; 0: "
        "embeddings alone.",
    )
    cold_item_regression_share: Fraction = setting(
        0.5,
        recorded="model",
        description="Weight, 0 to 1, of the regression on warm items' embeddings in a cold item's embedding; the rest "
        "is the sum of its features' embeddings.",
    )
    cold_item_lambda: float = setting(
        3.0,
        recorded="model",
        gt=0,
        description="Ridge of cold items' weights and embeddings, above 0; larger values use fewer, more certain "
        "features.",
    )
    cold_item_neighbours: PositiveInt = setting(
        1_000, recorded="model", description="Item-item weights kept per cold item, the largest ones."
    )
