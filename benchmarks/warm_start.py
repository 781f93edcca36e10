"""`python -m benchmarks.warm_start EARLIER LATER`: recall by epoch of a night that goes on from another one's training.

EARLIER and LATER are run folders of two dates, with their features. Both are fitted on their training parts, so that
what is asked of the later one was shown to neither. docs/experiments/warm-start.md has the figures.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ml.data.training_data import TrainingData, read_training_data
from ml.evaluation.champion_refit import ranking_of
from ml.evaluation.evaluate import recall_at_k
from ml.evaluation.holdout_slices import holdout_slices
from ml.models import warm_start_checkpoint
from ml.models.lightfm import Epoch, WarmStartCheckpoint, fit
from ml.models.trained_embeddings import FittedFactors
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.ranking.scoring import popularity_ranking


def recalls(data: TrainingData, settings: Settings, begun: WarmStartCheckpoint | None) -> list[float]:
    """Return recall@k of the embeddings alone on the slice `all` after each epoch."""
    popularity = popularity_ranking(data.train.getnnz(axis=0), len(data.user_ids))
    asked = holdout_slices(data.train, data.holdout, data.is_available, settings.seed)[0]
    found: list[float] = []

    def watch(epoch: Epoch) -> None:
        ranking = ranking_of(
            FittedFactors(data, data.train, epoch.users, epoch.items, settings.cold_item_lambda),
            popularity,
            settings,
            None,
        )
        found.append(recall_at_k(ranking, asked, data.train, settings.metric_k))

    fit(data.train, data.user_features, data.item_features, settings, watch, begun)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Measure both and print a line an epoch."""
    parser = ArgumentParser(prog="benchmarks.warm_start", description="Recall by epoch, begun anew and gone on.")
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    arguments = parser.parse_args(argv)
    settings = Settings()
    before, after = (
        read_training_data(RunFolder(path).features_folder) for path in (arguments.earlier, arguments.later)
    )
    left = fit(before.train, before.user_features, before.item_features, settings, lambda epoch: None)
    with TemporaryDirectory() as folder:
        warm_start_checkpoint.save(Path(folder) / "start", before, settings, left, settings.epochs)
        begun = warm_start_checkpoint.load(Path(folder) / "start", after, settings)
    anew = recalls(after, settings, None)
    gone_on = recalls(after, settings.model_copy(update={"warm_start_epochs": settings.epochs // 3}), begun)
    for epoch, recall in enumerate(anew, 1):
        beside = f", gone on {gone_on[epoch - 1]:.4f}" if epoch <= len(gone_on) else ""
        print(f"epoch {epoch}: anew {recall:.4f}{beside}")


if __name__ == "__main__":
    main()
