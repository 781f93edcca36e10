"""Features of a snapshot under some settings, built by the Spark job of a run, once for each combination.

Used by the search, many of whose trials differ only in settings that the features do not depend on.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from ml.data.training_data import TrainingData
from ml.stages.read_data import read_data
from ml.stages.validation_window import link_snapshot
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.spark_submission import FEATURE_SETTINGS, build_features

Build = Callable[[Settings, RunFolder, datetime], None]


class FeatureCache:
    """The features of one snapshot, a folder for each combination of the settings that they depend on."""

    def __init__(self, source: RunFolder, as_of: datetime, build: Build = build_features) -> None:
        self.source = source
        self.as_of = as_of
        self._build = build

    def folder(self, settings: Settings) -> RunFolder:
        """Return the folder with the features, built now unless they were before.

        Raises:
            BadInput, NightjarError: the job failed; the message is the job's own.
        """
        folder = RunFolder(self.source.path / "variants" / _digest(settings))
        if not (folder.path / "features").is_dir():
            folder.path.mkdir(parents=True, exist_ok=True)
            link_snapshot(self.source, folder)
            self._build(settings, folder, self.as_of)
        return folder

    def data(self, settings: Settings) -> TrainingData:
        """Return the features as matrices."""
        return read_data(self.folder(settings), settings)


def _digest(settings: Settings) -> str:
    values = {name: getattr(settings, name) for name in FEATURE_SETTINGS}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
