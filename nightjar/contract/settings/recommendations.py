"""Settings of what is published: recommendations, similar items and popular items."""

from pydantic import field_validator

from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.settings.field import Fraction, PositiveInt, SettingsGroup, setting


class RecommendationSettings(SettingsGroup):
    """Recommendations."""

    top_k: PositiveInt = setting(
        10, recorded=None, basic=True, jobs=("score_users",), description="Recommendations per user and domain, K."
    )
    similar_k: PositiveInt = setting(
        10, recorded=None, basic=True, jobs=("score_users",), description="Similar items per item and target domain."
    )
    popular_k: PositiveInt = setting(
        50,
        recorded=None,
        basic=True,
        jobs=("build_features", "score_users"),
        description="Popular items per segment and domain.",
    )
    popularity_half_life_days: float = setting(
        90.0,
        recorded=None,
        jobs=("build_features",),
        ge=0,
        allow_inf_nan=False,
        description="Days after which an event's weight in the popularity is halved, besides its type's decay; 0: no "
        "decay.",
    )
    min_segment_users: PositiveInt = setting(
        20,
        recorded=None,
        jobs=("build_features",),
        description="Users that a segment needs for popular items of its own.",
    )
    repeat_after_days: str = setting(
        "",
        recorded="protocol",
        before_recording="",
        basic=True,
        jobs=("build_features", "score_users"),
        description="Days after a user's last event with an item from which it may be recommended to them again; "
        "empty: never. One number, or one a domain: `groceries=7,music=0`, `*` for the others.",
    )
    popularity_weight: Fraction = setting(
        1.0,
        recorded="model",
        basic=True,
        description="Factor, 0 to 1, of an item's mean score over all users; below 1 recommends less popular items.",
    )
    diversity_weight: Fraction = setting(
        0.0,
        recorded="model",
        basic=True,
        jobs=("score_users",),
        description="Weight, 0 to 1, of the distance to the items above in a top-K list (MMR); 0: ranked by score "
        "alone.",
    )
    fold_in_items: PositiveInt = setting(
        20,
        recorded=None,
        description="Newest items of a user that make their vector in a fold-in.",
    )

    @field_validator("repeat_after_days")
    @classmethod
    def _known_repeats(cls, text: str) -> str:
        Repeats.of(text)
        return text

    @property
    def repeats(self) -> Repeats:
        """Which items may be recommended again."""
        return Repeats.of(self.repeat_after_days)
