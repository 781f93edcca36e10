"""A folder that holds what a run ranks its users by, and nothing else of the run; part of MLflow's registered models.

    model/              the run's model, with its manifest
    features/<name>/    the features that score_users reads (`FEATURES`), as Parquet
    ranking.json        the rules of its lists (`RankingRules`)

Where both have a file, it lies as in a run folder. Linked by the stage fit_model, read by
`nightjar.serving.registered_model`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from nightjar.contract.errors import NightjarError
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings

FEATURES = ("user_ids", "item_ids", "seen", "full_interactions", "popularity", "user_segments")
_RULES = "ranking.json"


@dataclass(frozen=True)
class RankingRules:
    """The settings, by their names, that score_users ranks by."""

    top_k: int
    diversity_weight: float
    repeat_after_days: str

    @classmethod
    def of(cls, settings: Settings) -> "RankingRules":
        """Take them from the settings of a run."""
        return cls(settings.top_k, settings.diversity_weight, settings.repeat_after_days)

    @property
    def repeats(self) -> Repeats:
        """Which items may be recommended again."""
        return Repeats.of(self.repeat_after_days)


def link(run: RunFolder, target: Path, rules: RankingRules) -> None:
    """Make the folder of a run from links to its files, whose names are the same however often Spark wrote them.

    Raises:
        NightjarError: the run has no such features.
    """
    _link_files({path.name: path for path in run.model.iterdir()}, target / "model")
    for name in FEATURES:
        parts = sorted(run.features(name).glob("*.parquet"))
        if not parts:
            raise NightjarError(
                f"{run.features(name)} holds no Parquet file: run the stage build_features again",
                code="missing_features",
                path=run.features(name),
            )
        named = {f"part-{place:05d}.parquet": part for place, part in enumerate(parts)}
        _link_files(named, target / "features" / name)
    (target / _RULES).write_text(json.dumps(asdict(rules), indent=2), encoding="utf-8")


def read_rules(folder: Path) -> RankingRules:
    """Read the rules of a folder's lists."""
    return RankingRules(**json.loads((folder / _RULES).read_text(encoding="utf-8")))


def _link_files(files: dict[str, Path], target: Path) -> None:
    target.mkdir(parents=True)
    for name, file in files.items():
        (target / name).symlink_to(file.resolve())
