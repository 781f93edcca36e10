"""The items of the demo shop: what they are like, how popular, and from when to when they are sold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.importers.demo_shop.shop_options import DAY_SECONDS, ShopOptions
from nightjar.importers.demo_shop.vocabulary import ADJECTIVES, DOMAINS, ITEM_PREFIXES, NOUNS, TASTES

NEVER = np.iinfo(np.int64).max
_SHARE_OLD, _SHARE_UNSEEN, _SHARE_DISCONTINUED = 0.7, 0.03, 0.04
_UNSEEN_DAYS = 2
_ZIPF_POWER = 0.7


@dataclass(frozen=True)
class Catalogue:
    """All items; times are unix seconds.

    Attributes:
        item_ids: (items,) text.
        titles: (items,) text.
        domain: (items,) index into `words.DOMAINS`.
        tastes: (items, tastes) share of each taste, rows sum to 1.
        popularity: (items,) Zipf weight within the domain, the best seller has 1.
        available_from: (items,) first second on sale.
        available_until: (items,) end of sale, `NEVER` for most.
        is_unseen: (items,) appears in the last days and has no events yet.
    """

    item_ids: NDArray[np.str_]
    titles: NDArray[np.str_]
    domain: NDArray[np.int64]
    tastes: NDArray[np.float64]
    popularity: NDArray[np.float64]
    available_from: NDArray[np.int64]
    available_until: NDArray[np.int64]
    is_unseen: NDArray[np.bool_]

    @property
    def top_taste(self) -> NDArray[np.int64]:
        """(items,) index of each item's strongest taste."""
        return np.asarray(self.tastes.argmax(axis=1), np.int64)


def make_catalogue(rng: np.random.Generator, options: ShopOptions) -> Catalogue:
    """Draw the items of all domains."""
    shape = (len(DOMAINS), options.items)
    count = len(DOMAINS) * options.items
    number = np.tile(np.arange(options.items), len(DOMAINS))
    domain = np.repeat(np.arange(len(DOMAINS)), options.items)
    tastes = rng.dirichlet(np.full(len(TASTES), 0.15), count)
    rank = rng.random(shape).argsort(axis=1).argsort(axis=1).ravel()

    is_unseen = number >= options.items - max(2, round(_SHARE_UNSEEN * options.items))
    newest = options.end - _UNSEEN_DAYS * DAY_SECONDS
    is_old = rng.random(count) < _SHARE_OLD
    available_from = np.where(
        is_old,
        options.start - rng.integers(1, 730, count) * DAY_SECONDS,
        rng.integers(options.start, newest, count),
    )
    available_from = np.where(is_unseen, rng.integers(newest, options.end, count), available_from)
    is_discontinued = is_old & ~is_unseen & (rng.random(count) < _SHARE_DISCONTINUED)
    middle = (options.start + options.end) // 2
    available_until = np.where(is_discontinued, rng.integers(middle, newest, count), NEVER)
    prefixes = np.array(ITEM_PREFIXES)[domain]
    return Catalogue(
        item_ids=np.array([f"{prefix}-{n + 1:04d}" for prefix, n in zip(prefixes, number, strict=True)]),
        titles=_titles(rng, tastes.argmax(axis=1)),
        domain=domain,
        tastes=tastes,
        popularity=np.power(rank + 1.0, -_ZIPF_POWER, dtype=np.float64),
        available_from=available_from,
        available_until=available_until,
        is_unseen=is_unseen,
    )


def _titles(rng: np.random.Generator, taste: NDArray[np.int64]) -> NDArray[np.str_]:
    """Draw titles such as `The Silent Orbit`; one that occurs again gets a number, as sequels do."""
    adjectives = np.array(ADJECTIVES)[rng.integers(len(ADJECTIVES), size=len(taste))]
    nouns = np.array(NOUNS)[taste, rng.integers(len(NOUNS[0]), size=len(taste))]
    parts: dict[str, int] = {}
    titles = []
    for title in (f"The {adjective} {noun}" for adjective, noun in zip(adjectives, nouns, strict=True)):
        parts[title] = parts.get(title, 0) + 1
        titles.append(title if parts[title] == 1 else f"{title} {parts[title]}")
    return np.array(titles)
