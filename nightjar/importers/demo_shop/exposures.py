"""Top-K lists that the demo shop showed in an experiment, and the clicks and purchases that followed."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nightjar.importers.demo_shop.arrow_tables import instants
from nightjar.importers.demo_shop.catalogue import Catalogue
from nightjar.importers.demo_shop.customers import Customers
from nightjar.importers.demo_shop.events import CLICK, PURCHASE, Events, arrival
from nightjar.importers.demo_shop.item_choice import affinity, on_sale
from nightjar.importers.demo_shop.shop_options import ShopOptions
from nightjar.importers.demo_shop.visits import Visits
from nightjar.importers.demo_shop.vocabulary import DOMAINS

LIST_LENGTH = 10
VARIANTS = ("control", "nightjar")
"""Recommendations by popularity, and by taste."""

_FRACTION_OF_VISITS = 0.25
_TASTE_WEIGHT, _POPULARITY_WEIGHT, _TASTE_NOISE, _POPULARITY_NOISE = 6.0, 0.5, 0.5, 0.3


@dataclass(frozen=True)
class Shown:
    """Items shown: index of user and item, rank from 1, unix seconds."""

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    rank: NDArray[np.int64]
    at: NDArray[np.int64]


def make_exposures(
    rng: np.random.Generator, options: ShopOptions, customers: Customers, catalogue: Catalogue, visits: Visits
) -> tuple[pa.Table, list[Events]]:
    """Draw a list at the start of some visits; return the columns of `raw.exposures` and the events they led to."""
    served = np.flatnonzero(rng.random(len(visits.user)) < _FRACTION_OF_VISITS)
    served = served[np.argsort(visits.at[served], kind="stable")]
    lists = _lists(rng, options, customers, catalogue, visits, served)
    user = np.repeat(visits.user[served], LIST_LENGTH)
    at = np.repeat(visits.at[served], LIST_LENGTH)
    item, rank = lists.ravel(), np.tile(np.arange(1, LIST_LENGTH + 1), len(served))
    table = pa.table(
        {
            "exposure_id": [f"{options.label}-shown-{number}" for number in range(1, len(user) + 1)],
            "user_id": customers.user_ids[user],
            "item_id": catalogue.item_ids[item],
            "rank": rank,
            "variant": np.array(VARIANTS)[customers.served_by_taste[user].astype(int)],
            "shown_at": instants(at),
            "ingested_at": instants(arrival(rng, at)),
        }
    )

    return table, consequences(rng, options, customers, catalogue, Shown(user, item, rank, at))


def consequences(
    rng: np.random.Generator, options: ShopOptions, customers: Customers, catalogue: Catalogue, shown: Shown
) -> list[Events]:
    """Draw clicks on what was shown and the purchases after them, likelier the better an item matches the user's taste.

    The chance of a click is 0.4 / log2(1 + rank) * (0.05 + liking), with the liking from 0 to 1: the planted truth.
    """
    user, item, rank, at = shown.user, shown.item, shown.rank, shown.at
    liking = affinity(options, customers, catalogue, user, item, at)
    clicked = rng.random(len(user)) < 0.4 / np.log2(1 + rank) * (0.05 + liking)
    clicked_at = at + 3 * rank + rng.integers(2, 40, len(at))
    bought = clicked & (rng.random(len(user)) < 0.05 + 0.3 * liking)
    bought_at = clicked_at + rng.integers(60, 900, len(at))
    return [
        Events.of(CLICK, user[clicked], item[clicked], clicked_at[clicked]),
        Events.of(PURCHASE, user[bought], item[bought], bought_at[bought]),
    ]


def _lists(
    rng: np.random.Generator,
    options: ShopOptions,
    customers: Customers,
    catalogue: Catalogue,
    visits: Visits,
    served: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(served, LIST_LENGTH) items in the order shown."""
    lists = np.empty((len(served), LIST_LENGTH), np.int64)
    for domain in range(len(DOMAINS)):
        items = np.flatnonzero(catalogue.domain == domain)
        places = np.flatnonzero(visits.domain[served] == domain)
        user, at = visits.user[served[places]], visits.at[served[places]]
        progress = (at - options.start) / (options.end - options.start)
        popularity = np.log(catalogue.popularity[items])
        noise = rng.gumbel(size=(len(places), len(items)))
        by_taste = _TASTE_WEIGHT * customers.tastes_at(user, progress) @ catalogue.tastes[items].T
        by_taste += _POPULARITY_WEIGHT * popularity + _TASTE_NOISE * noise
        score = np.where(customers.served_by_taste[user][:, None], by_taste, popularity + _POPULARITY_NOISE * noise)
        score[~on_sale(catalogue, items, at)] = -np.inf
        lists[places] = items[np.argsort(-score, axis=1, kind="stable")[:, :LIST_LENGTH]]
    return lists
