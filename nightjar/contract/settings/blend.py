"""Settings of the blend, and of the item-item co-occurrence weights."""

from typing import Literal

from nightjar.contract.settings.field import Fraction, PositiveInt, SettingsGroup, setting
from nightjar.contract.settings.ranges import Between, OneOf


class BlendSettings(SettingsGroup):
    """Blend."""

    blend_choice: Literal["holdout", "fixed"] = setting(
        "holdout",
        recorded="model",
        basic=True,
        description="Where the weights of the model's sources come from. holdout: each run chooses them on a window "
        "before the one that its gates look at; fixed: NIGHTJAR_COOCCURRENCE_SHARE and the models' own.",
    )

    cooccurrence_share: Fraction = setting(
        0.25,
        recorded="model",
        tunable=Between(0.0, 0.8),
        description="Blend weight, 0 to 1, of co-occurrence in the score, where a run chooses no other; 0: neither "
        "co-occurrence nor transitions are fitted.",
    )
    cooccurrence_lambda: float = setting(
        200.0,
        recorded="model",
        tunable=Between(10.0, 1_000.0, is_log=True),
        gt=0,
        description="Ridge of the item-item weights, above 0; larger values trust only frequent co-occurrence.",
    )
    cooccurrence_sparse_share: Fraction = setting(
        0.5,
        recorded="model",
        tunable=Between(0.0, 0.8),
        description="As NIGHTJAR_COOCCURRENCE_SHARE, for catalogues of more than NIGHTJAR_COOCCURRENCE_DENSE_ITEMS "
        "items.",
    )
    cooccurrence_shrinkage: float = setting(
        3.0,
        recorded="model",
        tunable=Between(0.5, 100.0, is_log=True),
        gt=0,
        description="Shrinkage of the cosines that are the item-item weights of such catalogues, above 0.",
    )
    cooccurrence_fit_exponent: float = setting(
        0.25,
        recorded="model",
        tunable=OneOf((0.0, 0.25, 0.5, 1.0)),
        ge=0,
        le=10,
        description="Exponent, 0 to 10, of the pairs' weights in the fit of the item-item weights; 0: all pairs weigh "
        "alike.",
    )
    cooccurrence_history_exponent: float = setting(
        4.0,
        recorded="model",
        tunable=OneOf((0.0, 0.5, 1.0, 2.0, 4.0, 6.0)),
        ge=0,
        le=10,
        description="Exponent, 0 to 10, of the pairs' weights in a user's history; above 1 stresses the newest items; "
        "0: all items weigh alike.",
    )
    cooccurrence_neighbours: PositiveInt = setting(
        200, recorded="model", description="Item-item weights kept per item, the largest ones."
    )
    cooccurrence_dense_items: PositiveInt = setting(
        20_000,
        recorded="model",
        description="Most warm items for which the weights come from a dense inverse (4 or 8 bytes a pair of items), "
        "and most features for which cold items' do; larger catalogues get shrunk cosines.",
    )
