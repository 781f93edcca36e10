"""Reads what models are fitted on: the features of a run, with those of texts and vectors.

Reads `features/` and `snapshot/` of a run folder; used by the stages that fit.
"""

from ml.data.text_features import with_text_features
from ml.data.training_data import TrainingData, read_training_data
from ml.data.vector_features import with_vector_features
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def read_data(folder: RunFolder, settings: Settings) -> TrainingData:
    """Read the features of a run under some settings of the features of texts and vectors.

    Raises:
        NightjarError: the features are missing or broken.
        BadInput: the text model cannot be loaded.
    """
    given = read_training_data(folder.features_folder)
    texted = with_text_features(given, folder.snapshot_folder, settings)
    return with_vector_features(texted, folder.snapshot_folder, settings)
