"""Stage fit_model: the final fit on all events before the end of the interval.

Reads `features/`, `snapshot/`, `cold_items.json`, `blend_weights.json`, `epochs.json` and the warm-start checkpoint;
writes `model/`, `start/final/`, `outputs/item_embeddings/`, `outputs/user_embeddings/`, `outputs/model_sources/`;
registers the model.
"""

from ml.evaluation import blend_weights, cold_item_weights, epoch_choice
from ml.evaluation.choices import Choices
from ml.models.candidate import Candidate
from ml.models.lightfm import Epoch
from ml.stages.fit_on_train import fit_line
from ml.stages.long_fits import long_fits
from ml.stages.read_data import read_data
from ml.stages.warm_start import RunFit
from ml.stages.write_model import write_model
from nightjar.contract.errors import BadInput
from nightjar.contract.progress import stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        BadInput: there is no positive event.
        NightjarError: the features are missing or broken, or training diverged.
    """
    with stage(folder, "fit_model") as progress, long_fits(folder, progress) as log:
        data = read_data(folder, settings)
        progress.unit, progress.rows = "pairs", data.full.nnz
        if data.full.nnz == 0:
            raise BadInput("no event has a weight above 0: see nightjar events", code="no_events")
        choices = Choices(
            cold_item_weights.load(folder.cold_items),
            blend_weights.load(folder.blend_weights),
            epoch_choice.load(folder.epochs),
        )

        def show(epoch: Epoch, candidate: Candidate) -> None:
            progress.pulse(epoch.line(data.full.nnz))

        candidate = RunFit.of(settings, folder, "final", data, choices.epochs).run(show, fit_line(progress), log)
        write_model(settings, folder, choices.applied_to(candidate), progress)
