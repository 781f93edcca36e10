"""Days on which the shop's customers see what was published: who sees what, and that a day is served once."""

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.demo_shop.served_days import import_served_days, serve
from nightjar.importers.demo_shop.shop import Shop, generate
from nightjar.importers.demo_shop.shop_options import ShopOptions
from nightjar.importers.demo_shop.shown_recommendations import ServedRecommendations, variant_of
from nightjar.importers.demo_shop.vocabulary import DOMAINS
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row
from tests.support.refusals import refused

SMALL = ShopOptions(seed=3, users=60, items=40, days=14)
DAY = date(2026, 4, 1)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(SMALL)


@pytest.fixture(scope="module")
def lists(shop: Shop) -> ServedRecommendations:
    """To everybody the same personal list, films, books and games 20 to 29; the popular ones are 0 to 29."""
    items = [[f"{prefix}-{n + 1:04d}" for n in range(30)] for prefix in ("film", "book", "game")]
    return ServedRecommendations(
        "2026-03-31.1",
        {
            (user, domain): items[n][20:]
            for user in shop.customers.user_ids.tolist()
            for n, domain in enumerate(DOMAINS)
        },
        dict(zip(DOMAINS, items, strict=True)),
        {user: {"film-0001", "film-0021"} for user in shop.customers.user_ids.tolist()},
    )


def shown(tables: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """The items of each variant's visit in order of rank, by variant and user."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in tables["exposures"].to_pylist():
        visit = found.setdefault((row["variant"], row["user_id"]), [])
        assert row["rank"] == len(visit) + 1
        assert row["publication_id"] == "2026-03-31.1"
        visit.append(row["item_id"])
    return found


def test_a_user_sees_unseen_items_of_their_variant(shop: Shop, lists: ServedRecommendations) -> None:
    visits = shown(serve(SMALL, shop, DAY, lists))
    assert {variant for variant, _ in visits} == {"control", "nightjar"}
    for (variant, user), items in visits.items():
        assert variant == variant_of(user)
        first = {"film": 2 if variant == "control" else 22}.get(items[0][:4], 1 if variant == "control" else 21)
        expected = range(first, first + 10) if variant == "control" else range(first, 31)
        assert items == [f"{items[0][:4]}-{number:04d}" for number in expected]


def test_equal_recommendations_give_equal_rows_and_another_day_others(shop: Shop, lists: ServedRecommendations) -> None:
    first, again, other = (serve(SMALL, shop, day, lists) for day in (DAY, DAY, date(2026, 4, 2)))
    for name in ("interactions", "exposures"):
        assert first[name].equals(again[name])
        assert set(first[name][0].to_pylist()).isdisjoint(other[name][0].to_pylist())


def publish(warehouse: Warehouse, publication_id: str, shop: Shop) -> None:
    """Lay a publication of one film for each user, and one popular film."""
    day = date.fromisoformat(publication_id.partition(".")[0])
    ids = {"publication_id": publication_id, "data_date": day}
    with warehouse.transaction() as connection:
        for user in shop.customers.user_ids.tolist():
            row = {"user_id": user, "domain": "films", "rank": 1, "item_id": "film-0001", "score": 1.0}
            lay_row(connection, "recs.recommendations", {**ids, **row, "source": "personal"})
        popular = {"segment": "all", "domain": "films", "rank": 1, "item_id": "film-0002", "score": 1.0}
        lay_row(connection, "recs.popular_items", {**ids, **popular})
        moment = datetime(2026, 4, 1, tzinfo=UTC)
        texts = dict.fromkeys(("model_uri", "mlflow_run_id", "content_hash", "code_version", "actor", "reason"), "x")
        entry = {"ledger_id": int(day.day), "as_of": moment, "action": "published", "recorded_at": moment}
        lay_row(connection, "recs.publications", {**ids, **texts, **entry, "recommendation_rows": 1})


def test_each_day_is_served_once_from_the_newest_publication_of_an_earlier_date(
    warehouse: Warehouse, shop: Shop
) -> None:
    publish(warehouse, "2026-03-30.1", shop)
    served = "select cast(shown_at as date), publication_id from raw.exposures where publication_id is not null "
    import_served_days(warehouse, SMALL, 1)
    publish(warehouse, "2026-03-31.1", shop)
    counts = import_served_days(warehouse, SMALL, 2)
    with warehouse.connect(read_only=True) as connection:
        found = connection.execute(f"{served} group by 1, 2 order by 1").fetchall()
        [(exposures,)] = connection.execute("select count(*) from raw.exposures").fetchall()
    assert found == [(date(2026, 4, 1), "2026-03-30.1"), (date(2026, 4, 2), "2026-03-31.1")]
    # Of the shop and the first day nothing is added again.
    assert {count.table_name: count.added for count in counts}["raw.items"] == 0
    again = import_served_days(warehouse, SMALL, 2)
    assert all(count.added == 0 for count in again)
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from raw.exposures").fetchall() == [(exposures,)]


def test_days_without_a_publication_before_them_are_refused_before_anything_is_written(warehouse: Warehouse) -> None:
    with refused(BadInput, "nothing_published", wording=False, value=2, data_date=DAY):
        import_served_days(warehouse, SMALL, 2)
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from raw.items").fetchall() == [(0,)]


def test_a_publication_for_other_customers_is_refused(shop: Shop) -> None:
    nobodys = ServedRecommendations("2026-03-31.1", {}, {domain: ["elsewhere"] for domain in DOMAINS}, defaultdict(set))
    with refused(BadInput, "no_recommendations", publication_id="2026-03-31.1"):
        serve(SMALL, shop, DAY, nobodys)
