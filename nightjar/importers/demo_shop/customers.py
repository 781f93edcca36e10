"""The customers of the demo shop: their tastes, how they drift, and what the shop knows about them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nightjar.importers.demo_shop.arrow_tables import feature_table, features_of, instants
from nightjar.importers.demo_shop.shop_options import DAY_SECONDS, ShopOptions
from nightjar.importers.demo_shop.vocabulary import AGE_GROUPS, COUNTRIES, DOMAINS, RARE_COUNTRIES, TASTES

_SHARE_SILENT, _SHARE_WITHOUT_ATTRIBUTES, _SHARE_EARLY = 0.06, 0.3, 0.55
_INTEREST_IS_RIGHT = 0.8
_DRIFT = 0.4


@dataclass(frozen=True)
class Customers:
    """All customers; times are unix seconds.

    Attributes:
        user_ids: (users,) text.
        tastes: (users, tastes) share of each taste on the first day, rows sum to 1.
        drifts_to: (users, tastes) the tastes they move towards, a part of the way.
        domains: (users, domains) how likely a visit is to each domain, rows sum to 1.
        activity: (users,) relative number of visits; 0 for those who only signed up.
        signed_up: (users,) when.
        served_by_taste: (users,) arm of the experiment: lists by taste, or by popularity.
    """

    user_ids: NDArray[np.str_]
    tastes: NDArray[np.float64]
    drifts_to: NDArray[np.float64]
    domains: NDArray[np.float64]
    activity: NDArray[np.float64]
    signed_up: NDArray[np.int64]
    served_by_taste: NDArray[np.bool_]

    def tastes_at(self, user: NDArray[np.int64], progress: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, tastes) of some users when a share `progress` (0 to 1) of the shop's days has passed."""
        moved = (_DRIFT * progress)[:, None]
        return (1 - moved) * self.tastes[user] + moved * self.drifts_to[user]


def make_customers(rng: np.random.Generator, options: ShopOptions) -> Customers:
    """Draw the customers."""
    count = options.users
    activity = rng.lognormal(0.0, 0.6, count)
    activity[rng.permutation(count)[: max(6, round(_SHARE_SILENT * count))]] = 0.0
    is_early = rng.random(count) < _SHARE_EARLY
    return Customers(
        user_ids=np.array([f"user-{number + 1:05d}" for number in range(count)]),
        tastes=rng.dirichlet(np.full(len(TASTES), 0.2), count),
        drifts_to=rng.dirichlet(np.full(len(TASTES), 0.2), count),
        domains=rng.dirichlet(np.full(len(DOMAINS), 0.8), count),
        activity=activity,
        signed_up=np.where(
            is_early,
            options.start - rng.integers(1, 400, count) * DAY_SECONDS,
            rng.integers(options.start, options.end - DAY_SECONDS, count),
        ),
        served_by_taste=rng.random(count) < 0.5,
    )


def user_table(customers: Customers) -> pa.Table:
    """Return user_id, created_at, recorded_at."""
    signed_up = instants(customers.signed_up)
    return pa.table({"user_id": customers.user_ids, "created_at": signed_up, "recorded_at": signed_up})


def user_feature_table(rng: np.random.Generator, customers: Customers) -> pa.Table:
    """Return user_id, feature, weight, recorded_at.

    Of those who only signed up a third has attributes, a third has none, and a third only a country that hardly
    anybody else has. As many visitors have only such a country too: so it is known what people of rare countries like.
    """
    count = len(customers.user_ids)
    silent = np.flatnonzero(customers.activity == 0)
    described = rng.random(count) >= _SHARE_WITHOUT_ATTRIBUTES
    described[silent] = np.arange(len(silent)) % 3 == 0
    silent_rare = silent[np.arange(len(silent)) % 3 == 2]
    undescribed = np.flatnonzero(~described & (customers.activity > 0))
    rare = np.concatenate([silent_rare, undescribed[: len(silent_rare)]])
    carriers = np.flatnonzero(described)

    is_right = rng.random(count) < _INTEREST_IS_RIGHT
    interest = np.where(is_right, customers.tastes.argmax(axis=1), rng.integers(len(TASTES), size=count))
    country = rng.choice(len(COUNTRIES), count, p=(0.25, 0.2, 0.15, 0.1, 0.1, 0.08, 0.07, 0.05))
    age = rng.integers(len(AGE_GROUPS), size=count)
    since = customers.signed_up
    return feature_table(
        "user_id",
        customers.user_ids,
        [
            (carriers, features_of("interest", TASTES)[interest[carriers]], 1.0, since[carriers]),
            (carriers, features_of("country", COUNTRIES)[country[carriers]], 1.0, since[carriers]),
            (carriers, features_of("age", AGE_GROUPS)[age[carriers]], 1.0, since[carriers]),
            (rare, np.resize(features_of("country", RARE_COUNTRIES), len(rare)), 1.0, since[rare]),
        ],
    )
