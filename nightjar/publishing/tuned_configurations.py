"""The tuned configurations that searches found, with the verdict on each, and which of them a run trains with.

One file a search, `lake/recipes/<data date>.<number>.json`, never changed: a date that is run again trains with what it
trained with before.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.contract.tuned_configuration import UNTUNED, TunedConfiguration, read_tuned_configuration

LATEST, NONE = "latest", "none"


@dataclass(frozen=True)
class SearchResult:
    """What one search found.

    Attributes:
        configuration: the challenger, named after the search.
        data_date: the newest date whose events the search used.
        compared_with: label of the configuration that it was compared with.
        verdict: passed or refused.
        reason: the figures.
    """

    configuration: TunedConfiguration
    data_date: date
    compared_with: str
    verdict: str
    reason: str


def search_results(lake: Path) -> list[SearchResult]:
    """Return all results, the oldest date first.

    Raises:
        BadInput: a file is no result; the message names it.
    """
    results = [_read(path) for path in (lake / "recipes").glob("*.json")]
    return sorted(results, key=lambda each: (each.data_date, int(each.configuration.name.rpartition(".")[2])))


def add_search_result(lake: Path, result: SearchResult) -> Path:
    """Write what a search found and return the file; a search that is repeated replaces its own."""
    path = _path(lake, result.configuration.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = {
        **asdict(result.configuration),
        "data_date": result.data_date.isoformat(),
        "rival": result.compared_with,
        "verdict": result.verdict,
        "reason": result.reason,
    }
    write_text(path, json.dumps(fields, indent=2))
    return path


def in_force(settings: Settings, data_date: date) -> TunedConfiguration:
    """Return the tuned configuration that the run of a date trains with, by the setting `recipe`.

    `latest` is the newest that passed and that was tuned on an earlier date: no run is configured by its own future,
    and a search today changes no earlier date.

    Raises:
        BadInput: the setting names a configuration that does not exist, or a file is none.
    """
    if settings.recipe == NONE:
        return UNTUNED
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
        return read_tuned_configuration(path)
    passed = [each for each in search_results(settings.lake) if each.verdict == "passed" and each.data_date < data_date]
    return passed[-1].configuration if passed else UNTUNED


def _path(lake: Path, name: str) -> Path:
    return lake / "recipes" / f"{name}.json"


def _read(path: Path) -> SearchResult:
    configuration = read_tuned_configuration(path)
    fields = json.loads(path.read_text(encoding="utf-8"))
    try:
        tuned_on = date.fromisoformat(fields["data_date"])
        return SearchResult(configuration, tuned_on, fields["rival"], fields["verdict"], fields["reason"])
    except (KeyError, ValueError) as error:
        raise BadInput(f"{path} is no tuned configuration: {error!r}", code="not_a_configuration", file=path) from error
