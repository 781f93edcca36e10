"""What the holdout says about a model and those it is compared with: handed from evaluate_model to gate_model.

Written to and read from `evaluation/` of the run folder: `of_users.parquet`, one row a user of slice `all` and one
column `<model>.<metric>`, and `contest.json` with everything else.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.evaluation.champion import Champion
from nightjar.contract.atomic_files import written_aside
from nightjar.contract.errors import NightjarError


@dataclass(frozen=True)
class Opponent:
    """The champion, and how its model was made beside tonight's.

    Attributes:
        champion: the publication with its recorded recall.
        other_recipe: settings of the fit or the ranking that differ, in words; empty: the same model again.
        other_features: settings of the features that differ: its recipe meets tonight's features.
        other_protocol: settings of the holdout that differ: its recorded recall is no comparison.
        obstacle: why its recipe could not be tried on tonight's data; empty where it was or is the same.
    """

    champion: Champion
    other_recipe: list[str] = field(default_factory=list)
    other_features: list[str] = field(default_factory=list)
    other_protocol: list[str] = field(default_factory=list)
    obstacle: str = ""


@dataclass(frozen=True)
class Contest:
    """Figures of one night's holdout.

    Attributes:
        of_users: for each model and list metric (users,) the values of slice `all`, the same users throughout.
        coverage: coverage@k of each model on slice `all`; nan without lists.
        opponent: the champion; None where no earlier date has a publication.
    """

    of_users: dict[str, dict[str, NDArray[np.float64]]]
    coverage: dict[str, float]
    opponent: Opponent | None


def save(contest: Contest, folder: Path) -> None:
    """Write the contest; its folder appears whole or not at all."""
    columns = {f"{model}.{metric}": values for model, of in contest.of_users.items() for metric, values in of.items()}
    facts = {"coverage": contest.coverage, "opponent": contest.opponent and asdict(contest.opponent)}
    with written_aside(folder) as aside:
        pq.write_table(pa.table(columns), aside / "of_users.parquet")
        (aside / "contest.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")


def load(folder: Path) -> Contest:
    """Read the contest of a run folder.

    Raises:
        NightjarError: it is missing.
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
    opponent = facts["opponent"]
    if opponent is not None:
        opponent = Opponent(**{**opponent, "champion": Champion(**opponent["champion"])})
    return Contest(of_users, facts["coverage"], opponent)
