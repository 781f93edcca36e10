"""Refits the champion of a run on the run's training part, with the settings that its MLflow run recorded.

Reads the ledger, the champion's MLflow run, `features/` and `snapshot/`; used by the stage evaluate_model.
"""

from ml import tracking
from ml.data.training_data import TrainingData
from ml.evaluation.champion_refit import refit_champion
from ml.evaluation.results import ComparedChampion
from ml.models.base import LongFit
from ml.stages.find_champion import find_champion
from ml.stages.fit_on_train import fit_pulse
from ml.stages.read_data import read_data
from nightjar.contract.progress import StageProgress
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.ranking.ranker import Ranker
from nightjar.warehouse.engines import open_warehouse


def refit_of_champion(
    folder: RunFolder, settings: Settings, progress: StageProgress, log: LongFit
) -> tuple[ComparedChampion | None, Ranker | None]:
    """Return the champion compared with this run, with the ranker of its refit where its configuration differs."""
    champion = find_champion(open_warehouse(settings), folder.record(), settings.metric_k)
    if champion is None:
        return None, None
    recorded = tracking.recorded_parameters(settings, champion.mlflow_run_id)

    def data_of(theirs: Settings) -> TrainingData:
        return read_data(folder, theirs)

    return refit_champion(
        data_of, settings, champion, recorded, fit_pulse(f"champion {champion.publication_id}", progress), log
    )
