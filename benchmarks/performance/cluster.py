"""Seconds of a run's Spark jobs on a standalone cluster whose workers have one core each, by number of workers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.performance.timing import seconds_each
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.contract.spark_submission import FEATURE_SETTINGS, SCORE_SETTINGS, properties
from tests.support.spark_cluster import SparkCluster, running_cluster
from tests.support.spark_submit import submit


def cluster_seconds(run_folder: Path, settings: Settings, workers: Sequence[int]) -> dict[str, float]:
    """Return the seconds of each job from submission to end, by the number of workers; their output is discarded."""
    done, seconds = RunFolder(run_folder), {}
    with TemporaryDirectory() as aside:
        folder = RunFolder(Path(aside))
        for name in ("run.json", "snapshot", "model"):
            (folder.path / name).symlink_to(done.path / name)
        for count in workers:
            with running_cluster(count) as cluster:
                for job, arguments in _arguments(settings, done).items():
                    cluster.have_workers(count)
                    name = f"{job}, {count} worker{'s' if count > 1 else ''}"
                    seconds |= seconds_each({name: _job(job, folder, cluster, settings, arguments)}, 1)
    return seconds


def _arguments(settings: Settings, folder: RunFolder) -> dict[str, dict[str, object]]:
    features = {name: getattr(settings, name) for name in FEATURE_SETTINGS}
    return {
        "build_features": features | {"as_of": folder.record().interval.as_of.isoformat()},
        "score_users": {name: getattr(settings, name) for name in SCORE_SETTINGS},
    }


def _job(
    job: str, folder: RunFolder, cluster: SparkCluster, settings: Settings, arguments: dict[str, object]
) -> Callable[[], None]:
    def run() -> None:
        process = submit(job, folder, cluster.url, properties(settings), **arguments)
        if process.returncode != 0:
            raise RuntimeError(f"{job} failed on {cluster.url}: {process.stdout}{process.stderr}")

    return run
