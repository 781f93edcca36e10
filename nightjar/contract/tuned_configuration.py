"""Recipes: the settings that tuning may change, where it looks for each, and one choice of values for them.

A night trains with its settings overlaid by a recipe (`nightjar.publishing.tuned_configurations` says which);
`recipe.json` in the run folder keeps the one it took.
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
class Recipe:
    """Values of tunable settings under a name; the plain one changes nothing and has no name.

    Attributes:
        name: the tuning that found it.
        values: setting to value; settings that are not among them stay as they are.
    """

    name: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def over(self, settings: Settings) -> Settings:
        """Return the settings with this recipe's values in their places.

        Raises:
            BadInput: a setting is not tunable or does not take the value; the message names recipe and setting.
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
        """Digest of the values: equal recipes have equal ones, whatever their names."""
        return hashlib.sha256(json.dumps(dict(self.values), sort_keys=True).encode()).hexdigest()

    def says(self) -> str:
        """The recipe in words."""
        return self.name or "the settings alone"


PLAIN = Recipe()


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; a file that is not there is the plain one.

    Raises:
        BadInput: the file is no recipe.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Recipe(name=str(fields["name"]), values=dict(fields["values"]))
    except FileNotFoundError:
        return PLAIN
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no tuned configuration: {error!r}", code="not_a_configuration", file=path) from error


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write a recipe."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(recipe), indent=2))


def values_of(settings: Settings) -> dict[str, Value]:
    """Return the value that each tunable setting has."""
    return {name: getattr(settings, name) for name in TUNABLE}
