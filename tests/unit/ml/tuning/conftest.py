"""Stand-ins for the Spark job: the planted features wherever features are asked for."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ml.data.training_data import read_training_data
from ml.stages.tuning_features import FeatureCache
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings

AS_OF = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class PlantedFeatures:
    """Copies the planted features instead of building any, and remembers for which settings."""

    source: RunFolder
    built: list[Settings] = field(default_factory=list)

    def __call__(self, settings: Settings, folder: RunFolder, as_of: datetime) -> None:
        assert as_of == AS_OF
        self.built.append(settings)
        shutil.copytree(self.source.path / "features", folder.path / "features")


@pytest.fixture(scope="module")
def build(planted: Any) -> PlantedFeatures:
    return PlantedFeatures(planted.folder)


@pytest.fixture
def cache_of(planted: Any, tmp_path: Path) -> Callable[..., FeatureCache]:
    """`cache_of(build)`: an empty cache over the planted snapshot."""
    shutil.copytree(planted.folder.path / "snapshot", tmp_path / "run" / "snapshot")
    return lambda build: FeatureCache(RunFolder(tmp_path / "run"), AS_OF, build)


@pytest.fixture(scope="module")
def data(planted: Any) -> Any:
    return read_training_data(planted.folder.features_folder)
