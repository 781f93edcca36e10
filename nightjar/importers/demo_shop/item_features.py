"""Features of the demo shop's items: genres that hint at the planted taste, creators and prices."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nightjar.importers.demo_shop.arrow_tables import feature_table, features_of
from nightjar.importers.demo_shop.catalogue import Catalogue
from nightjar.importers.demo_shop.shop_options import ShopOptions
from nightjar.importers.demo_shop.vocabulary import DOMAIN_GENRES, FIRST_NAMES, LAST_NAMES, PRICES, TASTES

_GENRE_IS_RIGHT, _CREATOR_IS_TRUE_TO_TASTE, _HAS_DOMAIN_GENRE, _PRICE_IS_CUT = 0.85, 0.8, 0.6, 0.15
_SECOND_TASTE_WEIGHT = 0.2


def item_feature_table(rng: np.random.Generator, options: ShopOptions, catalogue: Catalogue) -> pa.Table:
    """Return item_id, feature, weight, recorded_at; a price that is cut is withdrawn (weight 0) on that day."""
    count = len(catalogue.item_ids)
    everyone = np.arange(count)
    top, second = catalogue.top_taste, catalogue.tastes.argsort(axis=1)[:, -2]
    genre = np.where(rng.random(count) < _GENRE_IS_RIGHT, top, rng.integers(len(TASTES), size=count))
    has_second = (catalogue.tastes[everyone, second] > _SECOND_TASTE_WEIGHT) & (second != genre)
    has_domain_genre = rng.random(count) < _HAS_DOMAIN_GENRE
    price = rng.choice(len(PRICES), count, p=(0.4, 0.4, 0.2))
    first = catalogue.available_from
    shared, local = features_of("genre", TASTES), np.array(DOMAIN_GENRES)
    own = np.char.add("genre:", local[catalogue.domain, top])
    prices = features_of("price", PRICES)

    cut = np.flatnonzero((price == PRICES.index("high")) & (rng.random(count) < _PRICE_IS_CUT) & ~catalogue.is_unseen)
    cut_at = np.maximum(first[cut] + 1, rng.integers(options.start, options.end, len(cut)))
    mid = np.full(len(cut), prices[PRICES.index("mid")])
    return feature_table(
        "item_id",
        catalogue.item_ids,
        [
            (everyone, shared[genre], 1.0, first),
            (np.flatnonzero(has_second), shared[second[has_second]], 0.5, first[has_second]),
            (np.flatnonzero(has_domain_genre), own[has_domain_genre], 1.0, first[has_domain_genre]),
            (everyone, _creators(rng, options, catalogue), 1.0, first),
            (everyone, prices[price], 1.0, first),
            (cut, prices[price[cut]], 0.0, cut_at),
            (cut, mid, 1.0, cut_at),
        ],
    )


def _creators(rng: np.random.Generator, options: ShopOptions, catalogue: Catalogue) -> NDArray[np.str_]:
    """Draw a creator for every item: about eight items each, most of them of the creator's own taste."""
    rounds = max(1, options.items // 8 // len(TASTES))
    count = len(catalogue.item_ids)
    is_true = rng.random(count) < _CREATOR_IS_TRUE_TO_TASTE
    taste = np.where(is_true, catalogue.top_taste, rng.integers(len(TASTES), size=count))
    creator = taste + len(TASTES) * rng.integers(rounds, size=count)
    names = [
        f"creator:{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[(number + 4 * domain) % len(LAST_NAMES)]}"
        f"{' ' + str(number // 132 + 1) if number >= 132 else ''}"
        for number, domain in zip(creator, catalogue.domain, strict=True)
    ]
    return np.array(names)
