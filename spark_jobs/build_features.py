"""Spark job: build the features of one run from its snapshot.

Reads `snapshot/*.parquet`, writes every dataset of `features/` (all of them appear together, or none); read by the
model's stages and by score_users. Launched by spark-submit; `--help` lists the arguments.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from nightjar.contract.atomic_files import written_aside
from nightjar.contract.errors import BadInput
from nightjar.contract.holdout_kind import HOLDOUT_KINDS
from nightjar.contract.progress import StageProgress
from nightjar.contract.repeat_rule import NEVER
from nightjar.contract.run_folder import RunFolder
from spark_jobs import entry_point
from spark_jobs.kept_frames import Keep, kept_in_files
from spark_jobs.transforms import (
    entity_features,
    holdout,
    id_maps,
    pair_weights,
    popularity,
    seen_items,
    segments,
    trending,
    window_datasets,
)
from spark_jobs.transforms.split import Split

First = TypeVar("First")
Second = TypeVar("Second")

SNAPSHOT = ("interactions", "items", "item_features", "users", "user_features")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, write; return the exit code."""
    arguments = _parse(argv)
    folder = RunFolder(arguments.run_folder.absolute())
    inputs = [folder.snapshot(name) for name in SNAPSHOT]
    return entry_point.run("build_features", folder, inputs, partial(_build, folder, arguments))


def features(snapshot: dict[str, DataFrame], arguments: Namespace, keep: Keep) -> dict[str, DataFrame]:
    """Return every dataset of `features/` by name.

    Args:
        snapshot: the tables named in `SNAPSHOT`.
        arguments: of the job.
        keep: keeps what several datasets are made of.
    """
    interactions = snapshot["interactions"]
    users, items = _both(
        lambda: keep("users", id_maps.number_users(snapshot["users"], interactions)),
        lambda: keep("items", id_maps.number_items(snapshot["items"], interactions)),
    )
    numbered = {"user": users, "item": items}
    # Read several times rather than kept: its ids would take most of the space.
    events = id_maps.number_events(interactions, users, items)
    split = Split(
        arguments.holdout_fraction,
        arguments.cold_holdout_fraction,
        arguments.domain_holdout_fraction,
        arguments.seed,
        arguments.holdout,
        arguments.repeat_after_days,
    )
    seen, (window, choices) = _both(
        lambda: keep("seen_pairs", seen_items.seen_pairs(events)),
        lambda: window_datasets.windows(events, split, arguments, keep),
    )
    user_ids, item_ids = _both(
        lambda: keep("user_ids", id_maps.user_ids(users, seen, window.pairs)),
        lambda: keep("item_ids", id_maps.item_ids(items, seen, window.pairs)),
    )
    ids = {"user": user_ids, "item": item_ids}

    def folded(entity: str) -> tuple[DataFrame, dict[str, DataFrame]]:
        """Return the features of users or items with rare ones folded, and the datasets of them."""
        given = snapshot[f"{entity}_features"]
        frame = entity_features.fold_rare(given, numbered[entity], entity, arguments.min_feature_support)
        frame = keep(f"folded_{entity}_features", frame)
        named = entity_features.matrix(frame, ids[entity], entity, arguments.max_feature_weight)
        named = keep(f"named_{entity}_features", named)
        names = keep(f"{entity}_feature_names", entity_features.feature_names(named))
        values = entity_features.feature_values(named, names, entity)
        return frame, {f"{entity}_feature_names": names, f"{entity}_features": values}

    (of_users, user_datasets), (_, item_datasets) = _both(lambda: folded("user"), lambda: folded("item"))
    carriers = keep("segment_carriers", segments.segment_carriers(of_users, arguments.min_segment_users))
    datasets = {
        "user_ids": user_ids,
        "item_ids": item_ids,
        "full_interactions": pair_weights.full_interactions(window.pairs),
        "shown": holdout.fold_in_items(window.pairs),
        "seen": seen_items.seen(seen, arguments.as_of),
        "trending": trending.trending(window.marked, [each.marked for each in choices], arguments.as_of),
        **user_datasets,
        **item_datasets,
        "user_segments": segments.user_segments(carriers),
        "popularity": popularity.popularity(window.pairs, items, carriers, arguments.popular_k),
    }
    for each in (window, *choices):
        datasets |= window_datasets.window_datasets(each, events, items, carriers, arguments, keep)
    return datasets


def _both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Do two things at once: the driver plans one while tasks compute the other, and small data are mostly planned."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(first)
        result = second()
        return other.result(), result


def _build(folder: RunFolder, arguments: Namespace, spark: SparkSession, stage: StageProgress) -> None:
    snapshot = {name: spark.read.parquet(str(folder.snapshot(name))) for name in SNAPSHOT}
    stage.doing = "interactions"
    stage.rows, stage.unit = count_interactions(snapshot["interactions"], arguments.as_of), "interactions"
    with written_aside(folder.path / "features") as aside, kept_in_files(aside / ".kept", stage) as keep:
        datasets = features(snapshot, arguments, keep)
        # Two at once, as above.
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(
                lambda each: entry_point.write(each[1], aside / each[0], each[0], stage), datasets.items()
            ):
                pass


def count_interactions(interactions: DataFrame, as_of: datetime) -> int:
    """Return the number of interactions, after a check.

    Raises:
        BadInput: none has a weight above 0, or a half-life is not above 0.
    """
    counted = interactions.agg(
        F.count("*").alias("events"),
        F.count_if(F.col("event_weight") > 0).alias("positive"),
        F.min("half_life_days").alias("half_life_days"),
    ).first()
    assert counted is not None  # noqa: S101 one row, for the type
    if counted["positive"] == 0:
        raise BadInput(
            f"no interaction before {as_of.isoformat()} has a weight above 0: there is nothing to train on; nightjar "
            "events shows the weights of event types, and NIGHTJAR_MAX_EVENTS_PER_DAY excludes users",
            code="no_events",
            as_of=as_of,
        )
    if counted["half_life_days"] is not None and counted["half_life_days"] <= 0:
        raise BadInput(
            f"interactions: half_life_days must be above 0, but is {counted['half_life_days']}",
            code="value_out_of_range",
            table="interactions",
            column="half_life_days",
            value=counted["half_life_days"],
        )
    return int(counted["events"])


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="build_features", description="Build the features of one run from its snapshot.")
    parser.add_argument("--run-folder", type=Path, required=True)
    parser.add_argument("--as-of", type=entry_point.instant, required=True)
    parser.add_argument("--min-feature-support", type=entry_point.at_least(1), required=True)
    parser.add_argument("--max-feature-weight", type=float, required=True)
    parser.add_argument("--recency-rank-power", type=float, required=True)
    parser.add_argument("--holdout", choices=HOLDOUT_KINDS, required=True)
    parser.add_argument("--holdout-fraction", type=entry_point.fraction, required=True)
    parser.add_argument("--cold-holdout-fraction", type=entry_point.fraction, required=True)
    parser.add_argument("--domain-holdout-fraction", type=entry_point.fraction, required=True)
    parser.add_argument(
        "--popularity-half-life-days", type=float, required=True, help="0: no decay but that of the event type"
    )
    parser.add_argument("--min-segment-users", type=entry_point.at_least(1), required=True)
    parser.add_argument("--popular-k", type=entry_point.at_least(1), required=True)
    parser.add_argument("--seed", type=entry_point.at_least(0), required=True)
    parser.add_argument(
        "--repeat-after-days", type=entry_point.repeats, default=NEVER, help="as NIGHTJAR_REPEAT_AFTER_DAYS"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
