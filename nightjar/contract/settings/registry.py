"""The lists of settings, derived from how each setting is declared (`field`).

Used by the tables of settings, the recorded configuration, tuned configurations and the submission of Spark jobs.
"""

import inspect
from dataclasses import dataclass

from pydantic.fields import FieldInfo

from nightjar.contract.settings.field import Job, Recorded, SettingsGroup, Traits
from nightjar.contract.settings.ranges import Range


@dataclass(frozen=True)
class RegisteredSetting:
    """One setting: its name, the title of its group, its field and its traits."""

    name: str
    group: str
    field: FieldInfo
    traits: Traits


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"NIGHTJAR_{name.upper()}"


def registered(settings: type[SettingsGroup]) -> list[RegisteredSetting]:
    """Return all settings of a class, group by group, in the order of its bases."""
    groups = [base for base in settings.__mro__ if issubclass(base, SettingsGroup)]
    return [
        RegisteredSetting(name, _title(group), field, _traits(field))
        for group in groups
        for name in inspect.get_annotations(group)
        if (field := settings.model_fields.get(name))
    ]


def recorded_settings(part: Recorded, settings: type[SettingsGroup]) -> tuple[str, ...]:
    """Return the names of the settings of one part of the recorded configuration."""
    return tuple(each.name for each in registered(settings) if each.traits.recorded == part)


def values_before_recording(settings: type[SettingsGroup]) -> dict[str, str]:
    """Return the values of runs that were made before a setting was recorded, where they are known."""
    found = {each.name: each.traits.before_recording for each in registered(settings)}
    return {name: value for name, value in found.items() if value is not None}


def tunable_settings(settings: type[SettingsGroup]) -> dict[str, Range]:
    """Return where a search looks for the value of each tunable setting."""
    return {each.name: each.traits.tunable for each in registered(settings) if each.traits.tunable}


def job_settings(job: Job, settings: type[SettingsGroup]) -> tuple[str, ...]:
    """Return the names of the settings that a Spark job gets as arguments."""
    return tuple(each.name for each in registered(settings) if job in each.traits.jobs)


def administrative_settings(settings: type[SettingsGroup]) -> tuple[str, ...]:
    """Return the names of the settings that no child process gets."""
    return tuple(each.name for each in registered(settings) if each.traits.is_administrative)


def run_parameters(settings: SettingsGroup) -> dict[str, object]:
    """Return the values that MLflow may keep of a run: no secret, and nothing about how a service is reached."""
    return {each.name: getattr(settings, each.name) for each in registered(type(settings)) if each.traits.is_logged}


def _title(group: type[SettingsGroup]) -> str:
    return (group.__doc__ or group.__name__).splitlines()[0].rstrip(".")


def _traits(field: FieldInfo) -> Traits:
    return next(each for each in field.metadata if isinstance(each, Traits))
