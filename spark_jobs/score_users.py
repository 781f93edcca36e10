"""Spark job: recommendations for every user, similar items for every item, popular items by segment and domain.

Reads `model/` and `features/` of one run folder, writes `outputs/recommendations`, `outputs/similar_items` and
`outputs/popular_items`, which the loaders put into the warehouse. Launched by spark-submit; `--help` lists the
arguments.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from nightjar.contract.artifacts.embeddings import check_manifest
from nightjar.contract.artifacts.ranking_folder import FEATURES
from nightjar.contract.atomic_files import written_aside
from nightjar.contract.errors import NightjarError
from nightjar.contract.progress import StageProgress
from nightjar.contract.repeat_rule import NEVER
from nightjar.contract.run_folder import RunFolder
from spark_jobs import entry_point
from spark_jobs.scoring.recommendations import recommendations
from spark_jobs.scoring.similar_items import similar_items
from spark_jobs.transforms.popularity import popular_items


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, check, score, write; return the exit code."""
    arguments = _parse(argv)
    folder = RunFolder(arguments.run_folder.absolute())
    inputs = [folder.model, *(folder.features(name) for name in FEATURES)]
    return entry_point.run("score_users", folder, inputs, partial(_score, folder, arguments))


def outputs(features: dict[str, DataFrame], run_folder: str, arguments: Namespace) -> dict[str, DataFrame]:
    """Return the output tables by name; `features` holds the datasets named in `FEATURES`."""
    return {
        "recommendations": recommendations(
            features["user_ids"],
            features["user_segments"],
            features["seen"],
            features["full_interactions"],
            run_folder,
            arguments.top_k,
            arguments.diversity_weight,
            arguments.block_users,
            arguments.repeat_after_days,
        ),
        "similar_items": similar_items(features["item_ids"], run_folder, arguments.similar_k, arguments.block_users),
        "popular_items": popular_items(features["popularity"], features["item_ids"], arguments.popular_k),
    }


def check_model(folder: RunFolder) -> None:
    """Check, once for all workers, that the model is complete and was fitted on these features.

    Raises:
        NightjarError: a file differs from its manifest, or the model's users or items are not those of the features.
    """
    check_manifest(folder.model)
    for entity in ("user", "item"):
        model = pq.read_metadata(folder.model / f"{entity}_ids.parquet").num_rows
        features = ds.dataset(folder.features(f"{entity}_ids"), format="parquet").count_rows()
        if model != features:
            raise NightjarError(
                f"{folder.model} has {model} {entity}s, the features have {features}: run the stage fit_model again",
                code="model_of_other_features",
                path=folder.model,
                entity=entity,
                value=model,
                expected=features,
            )


def _score(folder: RunFolder, arguments: Namespace, spark: SparkSession, stage: StageProgress) -> None:
    check_model(folder)
    # Spark would merge small shuffle partitions into one task, but here a few bytes of ids mean seconds of work.
    spark.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")
    features = {name: spark.read.parquet(str(folder.features(name))) for name in FEATURES}
    for table, frame in outputs(features, str(folder.path), arguments).items():
        with written_aside(folder.output(table)) as aside:
            entry_point.write(frame, aside, table, stage)
    stage.rows = ds.dataset(folder.output("recommendations"), format="parquet").count_rows()


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="score_users", description="Score every user of one run.")
    parser.add_argument("--run-folder", type=Path, required=True)
    parser.add_argument("--top-k", type=entry_point.at_least(1), required=True)
    parser.add_argument("--diversity-weight", type=entry_point.fraction, default=0.0, help="0 ranks by score alone")
    parser.add_argument("--similar-k", type=entry_point.at_least(1), required=True)
    parser.add_argument("--popular-k", type=entry_point.at_least(1), required=True)
    parser.add_argument(
        "--repeat-after-days", type=entry_point.repeats, default=NEVER, help="as NIGHTJAR_REPEAT_AFTER_DAYS"
    )
    parser.add_argument(
        "--block-users", type=entry_point.at_least(1), default=1024, help="users (or items) of one block"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
