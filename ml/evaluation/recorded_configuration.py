"""Which settings make a model what it is, so that a champion's recipe can be tried on another night's data.

Pure; used by the stages evaluate_model and gate_model. Recorded settings are text by name, as MLflow keeps a run's
parameters.
"""

from collections.abc import Mapping, Sequence

from nightjar.contract.settings import Settings, variable

# What the fit and the ranking read. A test holds that every setting is on one of these lists or has no effect here.
RECIPE = (
    "title_word_weight",
    "text_model",
    "text_dimensions",
    "text_weight",
    "embedding_dim",
    "epochs",
    "max_train_pairs",
    "warm_start",
    "warm_start_epochs",
    "learning_rate",
    "max_sampled",
    "item_alpha",
    "user_alpha",
    "cooccurrence_share",
    "cooccurrence_lambda",
    "cooccurrence_sparse_share",
    "cooccurrence_shrinkage",
    "cooccurrence_fit_exponent",
    "cooccurrence_history_exponent",
    "cooccurrence_neighbours",
    "cooccurrence_dense_items",
    "cold_item_choice",
    "cold_item_share",
    "cold_item_regression_share",
    "cold_item_lambda",
    "cold_item_neighbours",
    "seed",
    "popularity_weight",
    "diversity_weight",
)
# What the Spark jobs read: one night has one set of features.
FEATURES = ("min_feature_support", "max_feature_weight", "recency_rank_power")
# What decides which pairs are asked for, so figures under two protocols are no comparison.
PROTOCOL = ("holdout_fraction", "cold_holdout_fraction", "domain_holdout_fraction", "repeat_after_days", "metric_k")
# What runs of code without the setting did.
_UNRECORDED = {"repeat_after_days": ""}


def differences(settings: Settings, recorded: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return the named settings that differ from those recorded, each as `NIGHTJAR_EPOCHS 20, now 30`."""
    then = {name: recorded.get(name, _UNRECORDED.get(name, "unrecorded")) for name in names}
    now_and_then = [(name, str(getattr(settings, name)), then[name]) for name in names]
    return [f"{variable(name)} {then}, now {now}" for name, now, then in now_and_then if now != then]


def unrecorded(recorded: Mapping[str, str]) -> list[str]:
    """Return the settings of a recipe that its run did not have, because older code made it."""
    return [variable(name) for name in RECIPE if name not in recorded]


def with_recipe(settings: Settings, recorded: Mapping[str, str]) -> Settings:
    """Return the settings with the recorded recipe in the place of their own.

    Raises:
        KeyError: a setting of the recipe is not recorded.
        ValidationError: a recorded value is none that the setting takes.
    """
    return Settings(**{**dict(settings), **{name: recorded[name] for name in RECIPE}})
