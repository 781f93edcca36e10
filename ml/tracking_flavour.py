"""The pyfunc flavour of a registered model: the file `MLmodel`, by which MLflow loads it.

Names `nightjar.serving.registered_model` as the module that loads; no environment, because whoever loads the model has
Nightjar installed. Used by the stage fit_model.
"""

from datetime import UTC
from pathlib import Path

from mlflow import pyfunc
from mlflow.models import Model, ModelSignature
from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.types import ColSpec, DataType, Schema

from nightjar.contract.run_folder import RunRecord
from nightjar.contract.tables import table

LOADER = "nightjar.serving.registered_model"
_TYPES = {"text": DataType.string, "integer": DataType.integer, "real": DataType.float}
_OF_THE_WAREHOUSE = ("publication_id", "data_date")


def write_mlmodel(record: RunRecord, model_sha256: str, folder: Path) -> None:
    """Write `MLmodel` into the folder of a model; the same run writes the same bytes again.

    Args:
        record: of the run; its end of the data interval is the time that MLflow shows.
        model_sha256: digest of the model.
        folder: as `nightjar.contract.artifacts.ranking_folder` describes.
    """
    columns = [each for each in table("recs.recommendations").columns if each.name not in _OF_THE_WAREHOUSE]
    answers = [ColSpec(_TYPES[each.type], each.name, required=not each.nullable) for each in columns]
    model = Model(
        utc_time_created=record.interval.end.astimezone(UTC).replace(tzinfo=None),
        signature=ModelSignature(Schema([ColSpec(DataType.string, "user_id")]), Schema(answers)),
        model_uuid=model_sha256[:32],
        metadata={"publication_id": record.publication_id, "as_of": record.interval.end.isoformat()},
    )
    pyfunc.add_to_model(model, LOADER)
    model.save(str(folder / MLMODEL_FILE_NAME))
