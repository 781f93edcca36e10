"""Settings of the sequence model."""

from typing import Literal

from nightjar.contract.settings.field import PositiveInt, SettingsGroup, setting


class SequenceSettings(SettingsGroup):
    """Sequence model."""

    sequence: Literal["off", "on"] = setting(
        "off",
        recorded="model",
        before_recording="off",
        description="Whether runs fit a transformer of the users' sequences (SASRec) as one more source. on: needs the "
        "extra `neural`; off: nothing is fitted.",
    )
    sequence_epochs: PositiveInt = setting(
        60,
        recorded="model",
        before_recording="60",
        description="Most epochs of its fit, which ends before where the users' held-back newest items are found no "
        "better.",
    )
    sequence_minutes: float = setting(
        0.0,
        recorded="model",
        before_recording="0.0",
        ge=0,
        allow_inf_nan=False,
        description="Minutes after which its fit begins no further epoch, so that the result depends on the machine; "
        "0: no limit.",
    )
    sequence_dim: int = setting(
        64,
        recorded="model",
        before_recording="64",
        ge=2,
        multiple_of=2,
        description="Dimension of its embeddings, an even number.",
    )
    sequence_length: PositiveInt = setting(
        100, recorded="model", before_recording="100", description="Newest items of a user that it reads, at most."
    )
