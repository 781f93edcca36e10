"""The datasets of one window: what its fits train on, what they must predict and what is left out of their lists.

Put together by build_features for the holdout, which gates judge, and with a prefix before each name for the choice
windows, each the same split of the train events of the one before, on which weights are chosen:
docs/decisions/holdout.md.
"""

from argparse import Namespace
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from nightjar.contract.choice_windows import ENOUGH_USERS, MAX_CHOICE_WINDOWS, choice_prefix
from spark_jobs.kept_frames import Keep
from spark_jobs.transforms import holdout, pair_weights, popularity
from spark_jobs.transforms.split import Split, in_order, mark_train


@dataclass(frozen=True)
class Window:
    """The events of one split and their pairs.

    Attributes:
        prefix: of the names of its datasets.
        splits: those applied, one to the train events of the other; the last one makes the marks.
        marked: events as of `mark_train`.
        pairs: as of `weigh_pairs`.
    """

    prefix: str
    splits: tuple[Split, ...]
    marked: DataFrame
    pairs: DataFrame


def windows(events: DataFrame, split: Split, arguments: Namespace, keep: Keep) -> tuple[Window, list[Window]]:
    """Return the window of a split and the choice windows, the newest first, of numbered events.

    Several where a cut in time leaves few users who judge: those whose pairs lie on both sides of it.
    """
    splits = [split]
    for _ in range(MAX_CHOICE_WINDOWS if split.kind == "time" else 1):
        splits.append(splits[-1].again())
    # Kept without ids: three more passes read them.
    marked = keep("marked", mark_train(in_order(events, *splits), *splits))
    window = Window("", (split,), marked, keep("pairs", _weighed(marked, arguments)))
    choices: list[Window] = []
    judges = 0
    for number in range(1, len(splits)):
        prefix = choice_prefix(number)
        marked = keep(f"{prefix}marked", mark_train(marked.filter("in_train"), *splits[number:]))
        pairs = keep(f"{prefix}pairs", _weighed(marked, arguments).drop(*pair_weights.OF_ALL_EVENTS))
        choices.append(Window(prefix, tuple(splits[: number + 1]), marked, pairs))
        if number + 1 < len(splits):
            judges += judging_users(marked)
            if judges >= ENOUGH_USERS:
                break
    return window, choices


def judging_users(marked: DataFrame) -> int:
    """Return the number of users with a train event and one from the cut on; draws hold out older events, too."""
    is_later = F.coalesce(F.col("occurred_at") >= F.col("cut_at"), F.lit(False))
    sides = marked.groupBy("user_index").agg(F.bool_or("in_train").alias("has"), F.bool_or(is_later).alias("takes"))
    return sides.filter("has and takes").count()


def window_datasets(
    window: Window, events: DataFrame, items: DataFrame, carriers: DataFrame, arguments: Namespace, keep: Keep
) -> dict[str, DataFrame]:
    """Return the datasets by name; `events` and `items` are numbered, `carriers` those of the segments."""
    # Without repeats there is nothing to write: the model's stages read a missing dataset as an empty one.
    repeatable = None
    if not window.splits[-1].repeats.allows_none:
        repeatable = holdout.repeatable(window.marked, arguments.as_of)
        repeatable = keep(f"{window.prefix}repeatable", repeatable)
    datasets = {
        "train_interactions": pair_weights.train_interactions(window.pairs),
        "holdout": holdout.holdout(window.pairs, repeatable),
        "train_seen": holdout.train_seen(events, window.pairs, *window.splits),
        "train_popularity": popularity.train_popularity(window.pairs, items, carriers, arguments.popular_k),
        **({} if repeatable is None else {"repeatable": repeatable}),
    }
    return {window.prefix + name: frame for name, frame in datasets.items()}


def _weighed(marked: DataFrame, arguments: Namespace) -> DataFrame:
    return pair_weights.weigh_pairs(
        marked, arguments.as_of, arguments.recency_rank_power, arguments.popularity_half_life_days
    )
