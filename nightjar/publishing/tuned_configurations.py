"""The recipes that tunings found, with the verdict on each, and which of them a night trains with.

One file a tuning, `lake/recipes/<data date>.<number>.json`, never changed: so that a date that is run again finds what
it found before.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import PLAIN, Recipe, read_recipe

LATEST, NONE = "latest", "none"


@dataclass(frozen=True)
class Entry:
    """What one tuning came to.

    Attributes:
        recipe: the challenger, named after the tuning.
        data_date: the newest date whose events the tuning saw.
        rival: what it was compared with, in words.
        verdict: passed or refused.
        reason: the figures.
    """

    recipe: Recipe
    data_date: date
    rival: str
    verdict: str
    reason: str


def entries(lake: Path) -> list[Entry]:
    """Return all entries, the oldest date first.

    Raises:
        BadInput: a file is no entry; the message names it.
    """
    found = [_read(path) for path in (lake / "recipes").glob("*.json")]
    return sorted(found, key=lambda entry: (entry.data_date, int(entry.recipe.name.rpartition(".")[2])))


def add_entry(lake: Path, entry: Entry) -> Path:
    """Write what a tuning came to and return the file; a tuning that is repeated replaces its own."""
    path = _path(lake, entry.recipe.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    recipe = asdict(entry.recipe)
    fields = {**recipe, "data_date": entry.data_date.isoformat(), "rival": entry.rival}
    write_text(path, json.dumps({**fields, "verdict": entry.verdict, "reason": entry.reason}, indent=2))
    return path


def in_force(settings: Settings, data_date: date) -> Recipe:
    """Return the recipe that a night of a date trains with, as the setting `recipe` says.

    `latest` is the newest that passed and that was tuned on an earlier date: a night must not be configured by its own
    future, and tuning today changes no date that has been.

    Raises:
        BadInput: the setting names a recipe that is not there, or a file is no entry.
    """
    if settings.recipe == NONE:
        return PLAIN
    if settings.recipe != LATEST:
        path = _path(settings.lake, settings.recipe)
        if not path.exists():
            raise BadInput(
                f"NIGHTJAR_RECIPE={settings.recipe!r}: {path} does not exist, see nightjar recipes",
                code="unknown_configuration",
                setting="NIGHTJAR_RECIPE",
                value=settings.recipe,
                file=path,
            )
        return read_recipe(path)
    passed = [each for each in entries(settings.lake) if each.verdict == "passed" and each.data_date < data_date]
    return passed[-1].recipe if passed else PLAIN


def _path(lake: Path, name: str) -> Path:
    return lake / "recipes" / f"{name}.json"


def _read(path: Path) -> Entry:
    recipe = read_recipe(path)
    fields = json.loads(path.read_text(encoding="utf-8"))
    try:
        tuned_on = date.fromisoformat(fields["data_date"])
        return Entry(recipe, tuned_on, fields["rival"], fields["verdict"], fields["reason"])
    except (KeyError, ValueError) as error:
        raise BadInput(f"{path} is no tuned configuration: {error!r}", code="not_a_configuration", file=path) from error
