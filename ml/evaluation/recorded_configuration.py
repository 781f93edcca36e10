"""The configuration that a champion's run recorded, so that it can be refitted on another run's data.

Pure; used by the stages evaluate_model and gate_model. Recorded settings are text by name, as MLflow keeps a run's
parameters. Which settings belong to it stands where each is declared (`nightjar.contract.settings.field.setting`).
"""

from collections.abc import Mapping

from nightjar.contract.settings import Settings, variable
from nightjar.contract.settings.field import Recorded
from nightjar.contract.settings.registry import recorded_settings, values_before_recording


def differences(settings: Settings, recorded: Mapping[str, str], part: Recorded) -> list[str]:
    """Return the settings of a part that differ from those recorded, each as `NIGHTJAR_EPOCHS 20, now 30`."""
    kind = type(settings)
    before_recording = values_before_recording(kind)
    names = recorded_settings(part, kind)
    then = {name: recorded.get(name, before_recording.get(name, "unrecorded")) for name in names}
    now_and_then = [(name, str(getattr(settings, name)), then[name]) for name in names]
    return [f"{variable(name)} {then}, now {now}" for name, now, then in now_and_then if now != then]


def unrecorded(settings: Settings, recorded: Mapping[str, str]) -> list[str]:
    """Return the model's settings that a run did not record, because older code made it."""
    return [variable(name) for name in recorded_settings("model", type(settings)) if name not in recorded]


def with_recorded_model(settings: Settings, recorded: Mapping[str, str]) -> Settings:
    """Return the settings with the recorded ones of the model in the place of their own.

    Raises:
        KeyError: a setting of the model is not recorded.
        ValidationError: a recorded value is none that the setting takes.
    """
    kind = type(settings)
    return kind(**{**dict(settings), **{name: recorded[name] for name in recorded_settings("model", kind)}})
