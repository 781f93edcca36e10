"""Evaluation results: metrics of a model and of what it is compared with, handed from evaluate_model to gate_model.

A folder holds `of_users.parquet`, one row a user of slice `all` and one column `<model>.<metric>`, and `contest.json`
with everything else.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.evaluation.champion import Champion
from nightjar.contract.atomic_files import written_aside
from nightjar.contract.errors import NightjarError

# Keys of `contest.json`, which earlier versions wrote too, by field of `ComparedChampion`.
_CHAMPION_KEYS = {
    "champion": "champion",
    "changed_configuration": "other_recipe",
    "changed_features": "other_features",
    "changed_protocol": "other_protocol",
    "obstacle": "obstacle",
}


@dataclass(frozen=True)
class ComparedChampion:
    """The champion, and how its model was made compared with this run's.

    Attributes:
        champion: the publication with its recorded recall.
        changed_configuration: settings of the fit or the ranking that differ, in words; empty: the same model again.
        changed_features: settings of the features that differ: its refit has this run's features.
        changed_protocol: settings of the holdout that differ: its recorded recall is not comparable.
        obstacle: why it could not be refitted on this run's data; empty where it was or has the same configuration.
    """

    champion: Champion
    changed_configuration: list[str] = field(default_factory=list)
    changed_features: list[str] = field(default_factory=list)
    changed_protocol: list[str] = field(default_factory=list)
    obstacle: str = ""


@dataclass(frozen=True)
class EvaluationResults:
    """Metrics on one run's holdout.

    Attributes:
        of_users: for each model and list metric (users,) the values of slice `all`, the same users throughout.
        coverage: coverage@k of each model on slice `all`; nan without recommendations.
        compared_champion: None where no earlier date has a publication.
    """

    of_users: dict[str, dict[str, NDArray[np.float64]]]
    coverage: dict[str, float]
    compared_champion: ComparedChampion | None


def save(results: EvaluationResults, folder: Path) -> None:
    """Write the results; their folder appears whole or not at all."""
    columns = {f"{model}.{metric}": values for model, of in results.of_users.items() for metric, values in of.items()}
    facts = {"coverage": results.coverage, "opponent": _to_json(results.compared_champion)}
    with written_aside(folder) as aside:
        pq.write_table(pa.table(columns), aside / "of_users.parquet")
        (aside / "contest.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")


def load(folder: Path) -> EvaluationResults:
    """Read the results of a folder.

    Raises:
        NightjarError: they are missing.
    """
    try:
        table = pq.read_table(folder / "of_users.parquet")
        facts = json.loads((folder / "contest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NightjarError(
            f"{folder} is missing: run the stage evaluate_model first",
            code="missing_input",
            file=folder,
            stage="evaluate_model",
        ) from error
    of_users: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name in table.column_names:
        model, _, metric = name.partition(".")
        of_users.setdefault(model, {})[metric] = table.column(name).to_numpy()
    return EvaluationResults(of_users, facts["coverage"], _from_json(facts["opponent"]))


def _to_json(compared: ComparedChampion | None) -> dict[str, Any] | None:
    return None if compared is None else {_CHAMPION_KEYS[name]: value for name, value in asdict(compared).items()}


def _from_json(facts: dict[str, Any] | None) -> ComparedChampion | None:
    if facts is None:
        return None
    fields = {name: facts[key] for name, key in _CHAMPION_KEYS.items()}
    return ComparedChampion(**{**fields, "champion": Champion(**fields["champion"])})
