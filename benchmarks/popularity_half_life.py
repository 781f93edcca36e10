"""`python -m benchmarks.popularity_half_life WAREHOUSE --step DAYS`: recall for new users by half-life of popularity.

Splits the events of a DuckDB warehouse at many times. At each cut the items are ranked by the events before it,
weighted by 0.5^(age/half-life), and evaluated on the first days of each user whose first event lies in the days after
it, recall@10. docs/experiments/trend.md has the figures.
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.events import Events, read_events
from ml.evaluation.paired_bootstrap import mean_intervals

HALF_LIVES = (7, 14, 30, 60, 90, 180, 365, 730)
K = 10
_DAY_MICROS = 86_400_000_000


def recalls(events: Events, half_life_days: float, step_days: int, skipped_days: int) -> list[float]:
    """Return recall@10 of every new user of every cut, in the same order for every half-life.

    Args:
        events: sorted by time.
        half_life_days: after which an event has half its weight; infinity: no decay.
        step_days: days between cuts, and days of a new user that are evaluated.
        skipped_days: days of the data before the first cut.
    """
    days = events.micros / _DAY_MICROS
    first = np.full(len(events.user_ids), np.inf)
    np.minimum.at(first, events.users, days)
    recalls_of_users = []
    for cut in np.arange(days[0] + skipped_days, days[-1], step_days):
        past = days < cut
        weights = 0.5 ** ((cut - days[past]) / half_life_days)
        scores = np.bincount(events.items[past], weights, minlength=len(events.item_ids))
        best = np.argsort(-scores, kind="stable")[:K]
        for items in _first_items(events, days, first, cut, step_days):
            recalls_of_users.append(np.isin(best, items).sum() / min(K, len(items)))
    return recalls_of_users


def _first_items(
    events: Events, days: NDArray[np.float64], first: NDArray[np.float64], cut: float, step_days: int
) -> Iterator[NDArray[np.int64]]:
    is_new = (first >= cut) & (first < cut + step_days)
    is_evaluated = is_new[events.users] & (days < first[events.users] + step_days)
    for user in np.flatnonzero(is_new):
        yield events.items[is_evaluated & (events.users == user)]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print one line per half-life."""
    parser = ArgumentParser(
        prog="benchmarks.popularity_half_life", description="Measure half-lives of popularity for new users."
    )
    parser.add_argument("warehouse", type=Path, help="warehouse.duckdb of a home that data was imported into")
    parser.add_argument(
        "--step", type=int, default=7, help="days between cuts, and days of a new user that are evaluated"
    )
    parser.add_argument("--skipped", type=int, default=56, help="days of the data before the first cut")
    arguments = parser.parse_args(argv)
    events = read_events(arguments.warehouse)
    plain = np.array(recalls(events, np.inf, arguments.step, arguments.skipped))
    print(f"{len(plain)} new users, without trend {plain.mean():.4f}")
    for half_life_days in HALF_LIVES:
        trending = np.array(recalls(events, half_life_days, arguments.step, arguments.skipped))
        low, high = mean_intervals((trending - plain)[:, None], 0.95, seed=1)[0]
        print(f"{half_life_days} days: {trending.mean():.4f}; difference {low:+.4f} to {high:+.4f}")


if __name__ == "__main__":
    main()
