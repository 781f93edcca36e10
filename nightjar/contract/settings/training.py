"""Settings of the training of LightFM."""

from typing import Literal

from nightjar.contract.settings.cold_items import FIXED
from nightjar.contract.settings.field import PositiveInt, SettingsGroup, setting
from nightjar.contract.settings.ranges import Between, OneOf

# A search trains up to the last of them and keeps the best.
EPOCHS = Between(1, 60)
_PENALTIES = OneOf((0.0, 1e-7, 1e-6, 1e-5))


class TrainingSettings(SettingsGroup):
    """Training."""

    embedding_dim: PositiveInt = setting(
        64,
        recorded="model",
        tunable=OneOf((16, 32, 64, 128)),
        basic=True,
        description="Dimension of the embeddings.",
    )
    epochs: PositiveInt = setting(
        30, recorded="model", tunable=EPOCHS, basic=True, description="Epochs of a LightFM fit, or the most of them."
    )
    epoch_choice: Literal["holdout", "fixed"] = setting(
        "holdout",
        recorded="model",
        before_recording=FIXED,
        description="How many epochs a fit from scratch has. holdout: until recall on the choice window no longer "
        "improves, NIGHTJAR_EPOCHS at most; fixed: NIGHTJAR_EPOCHS.",
    )
    max_train_pairs: PositiveInt = setting(
        200_000_000,
        recorded="model",
        description="Most pairs that a fit trains on, summed over its epochs; larger data gets fewer epochs.",
    )
    warm_start: Literal["off", "on"] = setting(
        "off",
        recorded="model",
        basic=True,
        description="How runs of new dates train. on: warm-started from the newest published date; off: from scratch.",
    )
    warm_start_epochs: PositiveInt = setting(2, recorded="model", description="Epochs of a warm-started LightFM fit.")
    learning_rate: float = setting(
        0.02,
        recorded="model",
        tunable=Between(0.005, 0.1, is_log=True),
        gt=0,
        description="Learning rate of LightFM (AdaGrad), above 0.",
    )
    max_sampled: PositiveInt = setting(
        50,
        recorded="model",
        tunable=Between(5, 100, is_log=True),
        description="Most negatives that WARP samples for one update.",
    )
    item_alpha: float = setting(
        0.0,
        recorded="model",
        tunable=_PENALTIES,
        ge=0,
        description="L2 penalty on the embeddings of item features; 0: none.",
    )
    user_alpha: float = setting(
        0.0,
        recorded="model",
        tunable=_PENALTIES,
        ge=0,
        description="L2 penalty on the embeddings of user features; 0: none.",
    )
    train_shards: int = setting(
        0,
        recorded="model",
        before_recording="1",
        ge=0,
        description="Shards of users that LightFM trains in parallel; 0: by the data, at most 16.",
    )
    train_workers: int = setting(
        0,
        recorded=None,
        ge=0,
        description="Most processes that train shards; they change no result. 0: as many as cores.",
    )
    train_on: Literal["local", "spark"] = setting(
        "local",
        recorded=None,
        description="Where the stages train shards; it changes no result. local: on the stage's machine; spark: on "
        "NIGHTJAR_SPARK_MASTER. A fit of one shard trains in the stage's process.",
    )
    train_threads: PositiveInt = setting(
        1, recorded=None, description="Threads of LightFM in each shard; results repeat exactly only with 1."
    )
    seed: int = setting(
        20260101,
        recorded="model",
        jobs=("build_features",),
        ge=0,
        description="Seed of all random numbers.",
    )
