"""The champion: the publication that a new model must not fall behind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Champion:
    """The publication a new model is compared with.

    Attributes:
        publication_id: of the publication.
        mlflow_run_id: the MLflow run of its training, which has its settings.
        recall: recall@k on the holdout of its own run; None where it was not measured at this k.
    """

    publication_id: str
    mlflow_run_id: str
    recall: float | None
