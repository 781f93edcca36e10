"""Refits the champion: how its model was made, and the ranker of its configuration on this run's training part.

Used by the stage evaluate_model. The champion's published model itself is no fair comparison: it was fitted on most of
what this run holds out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import ValidationError

from ml.data.training_data import TrainingData
from ml.evaluation import recorded_configuration
from ml.evaluation.champion import Champion
from ml.evaluation.choices import fit_as_a_run
from ml.evaluation.results import ComparedChampion
from ml.models.base import LongFit
from ml.models.candidate import NO_LOG, Candidate
from ml.models.lightfm import Epoch
from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import Settings
from nightjar.ranking.ranker import Ranker

UNRECORDED = "MLflow no longer has the run of its training"


def refit_champion(
    data_of: Callable[[Settings], TrainingData],
    settings: Settings,
    champion: Champion,
    recorded: Mapping[str, str] | None,
    on_epoch: Callable[[Epoch, Candidate], None],
    log: LongFit = NO_LOG,
) -> tuple[ComparedChampion, Ranker | None]:
    """Return the champion compared with this run, with the ranker of its refit where its configuration differs.

    Args:
        data_of: this run's features, with those of texts under some settings.
        settings: of this run.
        champion: the publication to compare with.
        recorded: settings of its training by name; None where they are no longer kept.
        on_epoch: called after each epoch of the refit.
        log: of the models whose fit is long.
    """
    if recorded is None:
        return ComparedChampion(champion, obstacle=UNRECORDED), None
    compared = ComparedChampion(
        champion,
        changed_configuration=recorded_configuration.differences(settings, recorded, "model"),
        changed_features=recorded_configuration.differences(settings, recorded, "features"),
        changed_protocol=recorded_configuration.differences(settings, recorded, "protocol"),
    )
    unrecorded = recorded_configuration.unrecorded(settings, recorded)
    if unrecorded:
        return replace(compared, obstacle=f"it was made by code without {', '.join(unrecorded)}"), None
    if not compared.changed_configuration:
        return compared, None
    try:
        theirs = recorded_configuration.with_recorded_model(settings, recorded)
        data = data_of(theirs)
        # By the same rule on the same window: a choice that only one of the two may make would favour it.
        return compared, fit_as_a_run(data, theirs, on_epoch, log).ranker()
    except (NightjarError, ValidationError) as error:
        # A configuration that fails on this run's data must not keep another one from taking its place.
        return replace(compared, obstacle=str(error)), None
