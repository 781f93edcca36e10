"""Visits to the demo shop: several views in one sitting, some of which lead to a purchase and a rating."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.importers.demo_shop.catalogue import Catalogue
from nightjar.importers.demo_shop.customers import Customers
from nightjar.importers.demo_shop.events import ADD_TO_CART, PURCHASE, RATING, VIEW, Events
from nightjar.importers.demo_shop.item_choice import affinity, choose
from nightjar.importers.demo_shop.shop_options import DAY_SECONDS, ShopOptions

_VISITS_PER_DAY = 0.3
_VIEWS_PER_VISIT = 4.0
_LOOKS_AGAIN = 0.2
_ACTIVITY_OF_SILENT = 0.5
_EVENING_SECONDS, _EVENING_SPREAD_SECONDS = 20 * 3600, 2.5 * 3600
# A visit that would start later starts at daytime instead, so that it ends on the same date.
_DAYTIME_SECONDS = (9 * 3600, 23 * 3600)


@dataclass(frozen=True)
class Visits:
    """Visits: index of user and domain, unix seconds of the start, in order of user."""

    user: NDArray[np.int64]
    domain: NDArray[np.int64]
    at: NDArray[np.int64]


def make_visits(rng: np.random.Generator, options: ShopOptions, customers: Customers) -> Visits:
    """Draw the visits of every customer who has any, from the day of the sign-up on."""
    here_from = np.maximum(customers.signed_up, options.start)
    days_here = (options.end - here_from) / DAY_SECONDS
    is_active = customers.activity > 0
    visits = np.where(is_active, 1 + rng.poisson(_VISITS_PER_DAY * customers.activity * days_here), 0)
    user = np.repeat(np.arange(len(visits)), visits)

    moment = rng.integers(here_from[user], options.end)
    daytime = rng.integers(*_DAYTIME_SECONDS, len(user))
    evening = rng.normal(_EVENING_SECONDS, _EVENING_SPREAD_SECONDS, len(user)).astype(np.int64)
    at = moment - moment % DAY_SECONDS + np.where(evening < _DAYTIME_SECONDS[1], evening, daytime)
    bounds = customers.domains.cumsum(axis=1)[user]
    domain = (rng.random(len(user))[:, None] > bounds[:, :-1]).sum(axis=1)
    return Visits(user, domain, np.where(at < here_from[user], moment, at))


def visits_of_day(
    rng: np.random.Generator, customers: Customers, start: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Draw who comes on one day, once at most: index of user and domain, unix seconds. The silent come, too."""
    rate = _VISITS_PER_DAY * np.maximum(customers.activity, _ACTIVITY_OF_SILENT)
    user = np.flatnonzero(rng.random(len(rate)) < 1 - np.exp(-rate))
    bounds = customers.domains.cumsum(axis=1)[user]
    domain = (rng.random(len(user))[:, None] > bounds[:, :-1]).sum(axis=1)
    evening = rng.normal(_EVENING_SECONDS, _EVENING_SPREAD_SECONDS, len(user)).astype(np.int64)
    return user, domain, start + np.clip(evening, *_DAYTIME_SECONDS)


def make_events(
    rng: np.random.Generator, options: ShopOptions, customers: Customers, catalogue: Catalogue, visits: Visits
) -> list[Events]:
    """Draw what happens in the visits: views, of which some lead on to cart, purchase and rating."""
    views = 1 + rng.poisson(_VIEWS_PER_VISIT, len(visits.user))
    visit = np.repeat(np.arange(len(views)), views)
    gaps = 10 + rng.exponential(90, len(visit)).astype(np.int64)
    elapsed = gaps.cumsum()
    before_visit = np.concatenate([[0], elapsed[views.cumsum()[:-1] - 1]])
    at = visits.at[visit] + elapsed - before_visit[visit]
    user = visits.user[visit]
    item = choose(rng, options, customers, catalogue, user, visits.domain[visit], at)

    kept = _is_first_look(user, item, at) | (rng.random(len(user)) < _LOOKS_AGAIN)
    user, item, at = user[kept], item[kept], at[kept]
    return [Events.of(VIEW, user, item, at), *_what_follows(rng, options, customers, catalogue, user, item, at)]


def _is_first_look(user: NDArray[np.int64], item: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.bool_]:
    order = np.lexsort((at, item, user))
    is_first = np.ones(len(user), bool)
    is_first[order[1:]] = (np.diff(user[order]) != 0) | (np.diff(item[order]) != 0)
    return is_first


def _what_follows(
    rng: np.random.Generator,
    options: ShopOptions,
    customers: Customers,
    catalogue: Catalogue,
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    at: NDArray[np.int64],
) -> list[Events]:
    liking = affinity(options, customers, catalogue, user, item, at)
    carted = rng.random(len(user)) < 0.1 + 0.4 * liking
    user, item, liking, at = user[carted], item[carted], liking[carted], at[carted]
    carted_at = at + rng.integers(5, 60, len(at))
    bought = rng.random(len(user)) < 0.5
    bought_at = carted_at + rng.integers(60, 900, len(at))
    rated = bought & (rng.random(len(user)) < 0.5)
    rated_at = bought_at + rng.integers(DAY_SECONDS, 6 * DAY_SECONDS, len(at))
    rating = np.clip(np.round(1.8 + 4.0 * liking + rng.normal(0, 0.7, len(at))), 1, 5)
    return [
        Events.of(ADD_TO_CART, user, item, carted_at),
        Events.of(PURCHASE, user[bought], item[bought], bought_at[bought]),
        Events.of(RATING, user[rated], item[rated], rated_at[rated], rating[rated]),
    ]
