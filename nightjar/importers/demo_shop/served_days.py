"""Days after the shop's last one: customers see what was published, click and buy by their planted tastes.

Reads `recs.publications`, `recs.recommendations`, `recs.popular_items` and `raw.interactions`; writes `raw.exposures`
and `raw.interactions`; used by `nightjar import demo-shop --nights N`. With runs in between it closes the loop:
what was shown changes what is learned.
"""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from nightjar.contract.errors import BadInput
from nightjar.importers.demo_shop.arrow_tables import instants
from nightjar.importers.demo_shop.events import arrival, interaction_table
from nightjar.importers.demo_shop.exposures import Shown, consequences
from nightjar.importers.demo_shop.shop import Shop, generate, import_demo_shop, import_tables
from nightjar.importers.demo_shop.shop_options import DAY_SECONDS, ShopOptions
from nightjar.importers.demo_shop.shown_recommendations import (
    ServedRecommendations,
    publication_before,
    read_recommendations,
    variant_of,
)
from nightjar.importers.demo_shop.visits import visits_of_day
from nightjar.importers.demo_shop.vocabulary import DOMAINS
from nightjar.importers.loading import ImportCount, total_by_table
from nightjar.warehouse.protocol import Warehouse

_IS_SERVED = "select count(*) from raw.exposures where exposure_id = ?"


def import_served_days(warehouse: Warehouse, options: ShopOptions, count: int) -> list[ImportCount]:
    """Import the shop and the days after it, each served from the newest publication of a date before it.

    A day that was served stays as it is, whatever was published since.

    Raises:
        BadInput: nothing was published before the first of the days, or it was for other customers; nothing is written.
    """
    days = [options.last_date + timedelta(days=number) for number in range(1, count + 1)]
    with warehouse.connect(read_only=True) as connection:
        if days and publication_before(connection, days[0]) is None:
            raise BadInput(
                f"--nights {count}: nothing is published of a date before {days[0]}, so there is nothing to show;"
                f" import without --nights, then nightjar run --date {options.last_date}",
                code="nothing_published",
                option="--nights",
                value=count,
                data_date=days[0],
            )
    shop = generate(options)
    counts = import_demo_shop(warehouse, options)
    for day in days:
        counts += _import_day(warehouse, options, shop, day)
    return total_by_table(counts)


def _import_day(warehouse: Warehouse, options: ShopOptions, shop: Shop, day: date) -> list[ImportCount]:
    start = datetime.combine(day, time.min, UTC)
    with warehouse.connect(read_only=True) as connection:
        [(served,)] = connection.execute(_IS_SERVED, [f"{_label(options, day)}-shown-1"]).fetchall()
        if served:
            return []
        publication_id = publication_before(connection, day)
        recommendations = read_recommendations(connection, str(publication_id), start)
    return import_tables(warehouse, serve(options, shop, day, recommendations), start + timedelta(days=3))


def serve(options: ShopOptions, shop: Shop, day: date, recommendations: ServedRecommendations) -> dict[str, pa.Table]:
    """Draw one day: rows of `raw.interactions` and `raw.exposures`; equal recommendations give equal rows.

    Raises:
        BadInput: no visitor of the day is shown anything.
    """
    rng = np.random.default_rng([options.seed, day.toordinal()])
    start = int(datetime.combine(day, time.min, UTC).timestamp())
    users, domains, moments = visits_of_day(rng, shop.customers, start)
    number_of = {item: number for number, item in enumerate(shop.catalogue.item_ids.tolist())}
    shown = [
        (user, number_of[item], rank, moment)
        for user, domain, moment in zip(users.tolist(), domains.tolist(), moments.tolist(), strict=True)
        for rank, item in enumerate(recommendations.shown_to(str(shop.customers.user_ids[user]), DOMAINS[domain]), 1)
        if item in number_of
    ]
    if not shown:
        raise BadInput(
            f"{recommendations.publication_id} holds no recommendations for the customers of this shop: "
            "give its options again",
            code="no_recommendations",
            publication_id=recommendations.publication_id,
        )
    user, item, rank, at = np.array(shown, np.int64).T
    label = _label(options, day)
    exposures = pa.table(
        {
            "exposure_id": [f"{label}-shown-{number}" for number in range(1, len(user) + 1)],
            "user_id": shop.customers.user_ids[user],
            "item_id": shop.catalogue.item_ids[item],
            "rank": rank,
            "publication_id": [recommendations.publication_id] * len(user),
            "variant": [variant_of(each) for each in shop.customers.user_ids[user].tolist()],
            "shown_at": instants(at),
            "ingested_at": instants(arrival(rng, at)),
        }
    )
    events = consequences(rng, options, shop.customers, shop.catalogue, Shown(user, item, rank, at))
    interactions = interaction_table(rng, label, start + DAY_SECONDS, shop.customers, shop.catalogue, events)
    return {"interactions": interactions, "exposures": exposures}


def _label(options: ShopOptions, day: date) -> str:
    return f"{options.label}-{day:%Y%m%d}"
