"""How likely a customer is to choose an item: taste, popularity, novelty, and whether it is on sale."""

import numpy as np
from numpy.typing import NDArray

from nightjar.importers.demo_shop.catalogue import Catalogue
from nightjar.importers.demo_shop.customers import Customers
from nightjar.importers.demo_shop.shop_options import DAY_SECONDS, ShopOptions
from nightjar.importers.demo_shop.vocabulary import DOMAINS

_TASTE_SHARPNESS = 8.0
_NOVELTY, _NOVELTY_DAYS = 1.5, 7.0
_CHUNK = 20_000


def affinity(
    options: ShopOptions,
    customers: Customers,
    catalogue: Catalogue,
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(n,) how well each item matches the user's taste of that moment, 0 to 1."""
    tastes = customers.tastes_at(user, _progress(options, at))
    return np.asarray((tastes * catalogue.tastes[item]).sum(axis=1))


def choose(
    rng: np.random.Generator,
    options: ShopOptions,
    customers: Customers,
    catalogue: Catalogue,
    user: NDArray[np.int64],
    domain: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(n,) index of the item that each user picks in a domain at a time.

    The largest of score + Gumbel noise is a draw with probability proportional to exp(score).
    """
    chosen = np.empty(len(user), np.int64)
    for wanted in range(len(DOMAINS)):
        items = np.flatnonzero(catalogue.domain == wanted)
        slots = np.flatnonzero(domain == wanted)
        for first in range(0, len(slots), _CHUNK):
            chunk = slots[first : first + _CHUNK]
            tastes = customers.tastes_at(user[chunk], _progress(options, at[chunk]))
            score = _TASTE_SHARPNESS * tastes @ catalogue.tastes[items].T + np.log(catalogue.popularity[items])
            age_days = (at[chunk, None] - catalogue.available_from[items]) / DAY_SECONDS
            score += _NOVELTY * np.exp(-np.maximum(age_days, 0) / _NOVELTY_DAYS)
            score[~on_sale(catalogue, items, at[chunk])] = -np.inf
            chosen[chunk] = items[(score + rng.gumbel(size=score.shape)).argmax(axis=1)]
    return chosen


def on_sale(catalogue: Catalogue, items: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n, items) whether each item can have an event at each time."""
    moment = at[:, None]
    sold = (catalogue.available_from[items] <= moment) & (moment < catalogue.available_until[items])
    return np.asarray(sold & ~catalogue.is_unseen[items])


def _progress(options: ShopOptions, at: NDArray[np.int64]) -> NDArray[np.float64]:
    return (at - options.start) / (options.end - options.start)
