"""Tuned configurations: values of the tunable settings that a search found.

A run trains with its settings overlaid by one (`nightjar.publishing.tuned_configurations` chooses it); `recipe.json` in
the run folder keeps it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import ValidationError

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, variable
from nightjar.contract.settings.ranges import Range, Value
from nightjar.contract.settings.registry import tunable_settings

TUNABLE: Mapping[str, Range] = tunable_settings(Settings)


@dataclass(frozen=True)
class TunedConfiguration:
    """Values of tunable settings under a name.

    Attributes:
        name: of the search that found it; empty: untuned.
        values: setting to value; other settings stay as they are.
    """

    name: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def over(self, settings: Settings) -> Settings:
        """Return the settings with these values in the place of their own.

        Raises:
            BadInput: a setting is not tunable or does not take the value; the message names configuration and setting.
        """
        unknown = sorted(set(self.values) - set(TUNABLE))
        if unknown:
            raise BadInput(
                f"configuration {self.name}: {', '.join(unknown)} is not tunable, only {', '.join(TUNABLE)} are",
                code="not_tunable",
                configuration=self.name,
                settings=unknown,
                expected=tuple(TUNABLE),
            )
        try:
            return Settings(**{**dict(settings), **self.values})
        except ValidationError as error:
            messages = {str(fault["loc"][0]): fault["msg"] for fault in error.errors()}
            faults = "; ".join(
                f"{variable(name)}={self.values.get(name)!r}: {message}" for name, message in messages.items()
            )
            first = next(iter(messages))
            raise BadInput(
                f"configuration {self.name}: {faults}",
                code="unknown_setting_value",
                configuration=self.name,
                setting=variable(first),
                value=self.values.get(first),
                settings=[variable(name) for name in messages],
            ) from error

    @property
    def sha256(self) -> str:
        """Digest of the values: equal values give an equal digest, whatever the name."""
        return hashlib.sha256(json.dumps(dict(self.values), sort_keys=True).encode()).hexdigest()

    @property
    def label(self) -> str:
        """The name, for texts."""
        return self.name or "the settings alone"


UNTUNED = TunedConfiguration()


def read_tuned_configuration(path: Path) -> TunedConfiguration:
    """Read a tuned configuration; without a file it is the untuned one.

    Raises:
        BadInput: the file is no tuned configuration.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return TunedConfiguration(name=str(fields["name"]), values=dict(fields["values"]))
    except FileNotFoundError:
        return UNTUNED
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no tuned configuration: {error!r}", code="not_a_configuration", file=path) from error


def write_tuned_configuration(path: Path, configuration: TunedConfiguration) -> None:
    """Write a tuned configuration."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(configuration), indent=2))


def tunable_values(settings: Settings) -> dict[str, Value]:
    """Return the value that each tunable setting has."""
    return {name: getattr(settings, name) for name in TUNABLE}
