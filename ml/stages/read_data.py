"""Reads what models are fitted on: the features of a run, with those of its items' texts.

Reads `features/` and `snapshot/` of a run folder; used by the stages that fit.
"""

from ml.data.text_features import with_text_features
from ml.data.training_data import TrainingData, read_training_data
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def read_data(folder: RunFolder, settings: Settings) -> TrainingData:
    """Read the features of a run under some settings of the text features.

    Raises:
        NightjarError: the features are missing or broken.
        BadInput: the text model cannot be loaded.
    """
    return with_text_features(read_training_data(folder.features_folder), folder.snapshot_folder, settings)
