"""The folder of one attempt: where each stage finds its input and leaves its output as files.

Layout, below `lake/runs/data_date=<date>/publication_id=<id>/`:

    run.json                 what the attempt is (RunRecord)
    recipe.json              the tuned configuration that it trains with, if any (nightjar.contract.tuned_configuration)
    snapshot/<name>.parquet  what the attempt may see, unloaded from the warehouse; with the event weights it took and
                             the users whose events count for nothing
    snapshot/event_types.json what each event type counts, and its events (nightjar.publishing.event_types)
    features/<name>/         Parquet written by the Spark job build_features
    evaluation/              evaluation results that gate_model reads (ml.evaluation.results)
    cold_items.json          the weights that rank cold items (ml.evaluation.cold_item_weights)
    blend_weights.json       the weights of the model's sources (ml.evaluation.blend_weights)
    epochs.json              how long LightFM is trained (ml.evaluation.epoch_choice)
    mlflow_run.json          where MLflow keeps the training
    model/                   the final embeddings (nightjar.contract.artifacts.embeddings)
    start/<fit>/             warm-start checkpoint of each fit, if any (ml.models.warm_start_checkpoint)
    checkpoints/             what a killed fit continues from, until its stage ends (ml.stages.long_fits), and the files
                             of a training on Spark (ml.models.round_files)
    indices/<name>/          the HNSW indices with their ids and manifests
    outputs/<table>/         Parquet rows of each `recs` table, without publication_id and data_date
    progress.jsonl           one line a finished stage: rows and seconds
    plots/<name>.png         the figures of the evaluation and of the indices
    report/<id>.html         the run report
    failures/<task>.json     why the attempt failed, until the task is started again (nightjar.publishing.run_failures)
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput
from nightjar.contract.interval import DataInterval
from nightjar.contract.stages import STAGE_GROUPS

PUBLICATION_ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]+")


@dataclass(frozen=True)
class RunRecord:
    """What one attempt is, as all its stages read it."""

    publication_id: str
    attempt: int
    interval: DataInterval
    ingested_before: datetime | None
    publish_mode: str
    run_id: str
    code_version: str
    stages: tuple[str, ...] = STAGE_GROUPS
    # Name of the tuned configuration; empty: none.
    recipe: str = ""
    warm_start_from: str = ""
    # As NIGHTJAR_REPEAT_AFTER_DAYS was when it began.
    repeat_after_days: str = ""

    @property
    def data_date(self) -> date:
        """Partition key of every output."""
        return self.interval.data_date

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(asdict(self), default=lambda instant: instant.isoformat(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "RunRecord":
        """The record from its JSON text."""
        fields = json.loads(text)
        interval = DataInterval(*(datetime.fromisoformat(fields["interval"][end]) for end in ("start", "end")))
        before = fields["ingested_before"]
        return cls(
            **{
                **fields,
                "interval": interval,
                "ingested_before": datetime.fromisoformat(before) if before else None,
                "stages": tuple(fields["stages"]),
            }
        )


@dataclass(frozen=True)
class RunFolder:
    """The paths below one attempt's folder."""

    path: Path

    @classmethod
    def of(cls, lake: Path, publication_id: str) -> "RunFolder":
        """The folder of a publication; its id starts with its data date.

        Raises:
            BadInput: the text is no publication id.
        """
        if not PUBLICATION_ID.fullmatch(publication_id):
            raise BadInput(
                f"{publication_id!r} is no publication id: expected one like 2026-03-31.1",
                code="not_a_publication_id",
                value=publication_id,
            )
        data_date = publication_id.rpartition(".")[0]
        return cls(lake / "runs" / f"data_date={data_date}" / f"publication_id={publication_id}")

    @property
    def publication_id(self) -> str:
        """The id that the folder is named after."""
        return self.path.name.rpartition("=")[2]

    def snapshot(self, name: str) -> Path:
        """File of one snapshot table."""
        return self.path / "snapshot" / f"{name}.parquet"

    @property
    def snapshot_folder(self) -> Path:
        """Folder of all snapshot tables."""
        return self.path / "snapshot"

    @property
    def features_folder(self) -> Path:
        """Folder of all feature tables."""
        return self.path / "features"

    def features(self, name: str) -> Path:
        """Parquet folder of one feature table."""
        return self.path / "features" / name

    @property
    def evaluation(self) -> Path:
        """Folder of the evaluation results."""
        return self.path / "evaluation"

    @property
    def cold_items(self) -> Path:
        """File of the weights that rank cold items."""
        return self.path / "cold_items.json"

    @property
    def blend_weights(self) -> Path:
        """File of the weights of the model's sources."""
        return self.path / "blend_weights.json"

    @property
    def epochs(self) -> Path:
        """File of the number of LightFM's epochs."""
        return self.path / "epochs.json"

    @property
    def model(self) -> Path:
        """Folder of the final embeddings."""
        return self.path / "model"

    def warm_start_checkpoint(self, fit: str) -> Path:
        """Folder of the checkpoint that a fit, `evaluation` or `final`, leaves for later runs."""
        return self.path / "start" / fit

    @property
    def fit_checkpoints(self) -> Path:
        """Folder of what the fits of a stage continue from if it is killed."""
        return self.path / "checkpoints"

    def has_warm_start_checkpoints(self) -> bool:
        """Whether both fits left a checkpoint."""
        return all(self.warm_start_checkpoint(fit).is_dir() for fit in ("evaluation", "final"))

    def index(self, name: str) -> Path:
        """Folder of one index."""
        return self.path / "indices" / name

    def output(self, table: str) -> Path:
        """Parquet folder of the rows of one `recs` table."""
        return self.path / "outputs" / table

    @property
    def report(self) -> Path:
        """The run report; among the artifacts of the MLflow run it is called `report/<id>.html` too."""
        return self.path / "report" / f"{self.publication_id}.html"

    @property
    def mlflow_run(self) -> Path:
        """File that says where MLflow keeps the training."""
        return self.path / "mlflow_run.json"

    def read_mlflow_run(self) -> dict[str, Any]:
        """Read where MLflow keeps the training: the fields of `ml.tracking.TrackedRun`."""
        fields: dict[str, Any] = json.loads(self.mlflow_run.read_text(encoding="utf-8"))
        return fields

    @property
    def tuned_configuration(self) -> Path:
        """The tuned settings that the attempt takes."""
        return self.path / "recipe.json"

    @property
    def failures(self) -> Path:
        """Folder of the failures that nobody has gone on from."""
        return self.path / "failures"

    @property
    def progress(self) -> Path:
        """Log of finished stages."""
        return self.path / "progress.jsonl"

    def record(self) -> RunRecord:
        """Read what the attempt is.

        Raises:
            BadInput: the folder holds no run.
        """
        try:
            return RunRecord.from_json((self.path / "run.json").read_text())
        except FileNotFoundError as error:
            raise BadInput(
                f"{self.path} holds no run.json: begin a run first", code="not_a_run_folder", path=self.path
            ) from error

    def write_record(self, record: RunRecord) -> None:
        """Write what the attempt is."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.path / "run.json", record.to_json())
