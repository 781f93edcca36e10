"""`python -m benchmarks.warm_start EARLIER LATER`: recall by epoch, warm-started and from scratch.

EARLIER and LATER are run folders of two dates, with their features; LATER is warm-started from EARLIER.
Both are fitted on their training parts, so that neither saw the holdout of LATER. docs/experiments/warm-start.md has
the figures.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ml.data.training_data import TrainingData, read_training_data
from ml.evaluation.evaluate import recall_at_k
from ml.evaluation.holdout_slices import holdout_slices
from ml.evaluation.slice_lists import Evaluated
from ml.models import warm_start_checkpoint
from ml.models.candidate import Candidate, fit_candidate
from ml.models.lightfm import Epoch, WarmStartCheckpoint
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings


def recalls(data: TrainingData, settings: Settings, checkpoint: WarmStartCheckpoint | None) -> list[float]:
    """Return recall@k of the embeddings alone on the slice `all` after each epoch."""
    all_slice = holdout_slices(data.train, data.holdout, data.is_available, settings.seed)[0]
    truth = Evaluated.of(data)
    by_epoch: list[float] = []

    def watch(epoch: Epoch, candidate: Candidate) -> None:
        by_epoch.append(recall_at_k(candidate.ranker_of(LIGHTFM), all_slice, truth, settings.metric_k))

    fit_candidate(data.train_part, settings, watch, checkpoint)
    return by_epoch


def main(argv: Sequence[str] | None = None) -> None:
    """Measure both and print a line per epoch."""
    parser = ArgumentParser(prog="benchmarks.warm_start", description="Recall by epoch, from scratch and warm-started.")
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    arguments = parser.parse_args(argv)
    settings = Settings()
    before, after = (
        read_training_data(RunFolder(path).features_folder) for path in (arguments.earlier, arguments.later)
    )
    earlier = fit_candidate(before.train_part, settings).checkpoint
    with TemporaryDirectory() as folder:
        saved = warm_start_checkpoint.Checkpoint(earlier, {})
        warm_start_checkpoint.save(Path(folder) / "start", before, settings, saved, settings.epochs)
        checkpoint = warm_start_checkpoint.load(Path(folder) / "start", after, settings)
    assert checkpoint is not None
    from_scratch = recalls(after, settings, None)
    fewer = settings.model_copy(update={"warm_start_epochs": settings.epochs // 3})
    warm_started = recalls(after, fewer, checkpoint.lightfm)
    for epoch, recall in enumerate(from_scratch, 1):
        beside = f", warm-started {warm_started[epoch - 1]:.4f}" if epoch <= len(warm_started) else ""
        print(f"epoch {epoch}: from scratch {recall:.4f}{beside}")


if __name__ == "__main__":
    main()
