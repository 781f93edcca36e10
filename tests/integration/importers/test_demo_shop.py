from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from nightjar.contract.errors import BadInput
from nightjar.importers.demo_shop.shop import Shop, generate, import_demo_shop
from nightjar.importers.demo_shop.shop_options import ShopOptions
from nightjar.importers.demo_shop.vocabulary import DOMAINS
from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Query = Callable[[str], list[tuple[Any, ...]]]
SMALL = ShopOptions(seed=3, users=60, items=40, days=14)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(ShopOptions())


@pytest.fixture(scope="module")
def shop_query(tmp_path_factory: pytest.TempPathFactory) -> Query:
    """Answer of a warehouse that holds the default shop and nothing else."""
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("shop") / "warehouse.duckdb")
    warehouse.create_tables()
    import_demo_shop(warehouse, ShopOptions())

    def run(statement: str) -> list[tuple[Any, ...]]:
        with warehouse.connect(read_only=True) as connection:
            return connection.execute(statement).fetchall()

    return run


def taste_shares(shop: Shop) -> np.ndarray[Any, Any]:
    """(domains,) share of events with items of the user's own top taste."""
    users = {user: index for index, user in enumerate(shop.customers.user_ids)}
    items = {item: index for index, item in enumerate(shop.catalogue.item_ids)}
    events = shop.tables["interactions"].to_pandas()
    user = events["user_id"].map(users).to_numpy()
    item = events["item_id"].map(items).to_numpy()
    hits = shop.customers.tastes[user].argmax(axis=1) == shop.catalogue.top_taste[item]
    domain = shop.catalogue.domain[item]
    return np.array([hits[domain == each].mean() for each in range(len(DOMAINS))])


def test_the_default_shop_has_some_fifty_thousand_interactions(shop: Shop) -> None:
    assert 40_000 <= shop.tables["interactions"].num_rows <= 60_000


def test_equal_seeds_give_equal_rows_and_others_do_not() -> None:
    first, second, other = generate(SMALL), generate(SMALL), generate(ShopOptions(4, 60, 40, 14))
    for name, table in first.tables.items():
        assert table.equals(second.tables[name]), name
    assert not first.tables["items"].equals(other.tables["items"])


def test_customers_choose_by_their_planted_taste_in_every_domain(shop: Shop) -> None:
    # With eight tastes and no preference the share would be an eighth.
    assert (taste_shares(shop) > 3 / 8).all()


def test_the_genres_hint_at_the_planted_taste(shop: Shop) -> None:
    features = shop.tables["item_features"].to_pandas()
    shared = features[features["feature"].isin(["genre:space", "genre:crime"]) & (features["weight"] == 1)]
    genre_of = dict(zip(shared["item_id"], shared["feature"], strict=True))
    right = [
        genre_of[item] == ("genre:space", "genre:crime")[taste]
        for item, taste in zip(shop.catalogue.item_ids, shop.catalogue.top_taste, strict=True)
        if taste < 2 and item in genre_of
    ]
    assert np.mean(right) > 0.9


def test_a_few_items_draw_most_of_the_attention(shop: Shop) -> None:
    counts = np.sort(shop.tables["interactions"].to_pandas().groupby("item_id").size().to_numpy())[::-1]
    assert counts[: len(counts) // 5].sum() > 0.35 * counts.sum()


def test_a_new_item_draws_more_attention_in_its_first_week_than_later(shop_query: Query) -> None:
    [(first_week, later)] = shop_query(
        """select sum((age < 7)::int) / 7.0, sum((age between 14 and 27)::int) / 14.0
        from (
            select date_diff('day', available_from, occurred_at) as age
            from raw.items join raw.interactions using (item_id)
            where available_from between timestamptz '2026-01-31' and timestamptz '2026-03-01'
                and available_until is null
        )"""
    )
    assert first_week > 1.5 * later


def test_each_domain_has_available_items_without_any_event(shop_query: Query) -> None:
    unseen = shop_query(
        """select domain, count(*) from raw.items anti join raw.interactions using (item_id)
        where available_from between timestamptz '2026-03-30' and timestamptz '2026-04-01' group by domain order by 1"""
    )
    assert [domain for domain, _ in unseen] == ["books", "films", "games"]
    assert all(count >= 2 for _, count in unseen)


def test_events_respect_availability_and_sign_up(shop_query: Query) -> None:
    assert shop_query(
        """select count(*) from raw.interactions join raw.items using (item_id) join raw.users using (user_id)
        where event_type = 'view' and (occurred_at < available_from or occurred_at >= available_until
            or occurred_at < created_at)"""
    ) == [(0,)]
    assert shop_query("select count(*) > 0 from raw.items where available_until < timestamptz '2026-04-01'") == [
        (True,)
    ]
    assert shop_query("select max(occurred_at) < timestamptz '2026-04-01' from raw.interactions") == [(True,)]
    assert shop_query("select max(occurred_at) >= timestamptz '2026-03-31' from raw.interactions") == [(True,)]


def test_some_customers_have_no_events_with_attributes_rare_ones_or_none(shop_query: Query) -> None:
    [(silent, with_interest, rare_only, without)] = shop_query(
        """with carried as (select user_id, bool_or(feature like 'interest:%') as has_interest
            from raw.user_features group by user_id)
        select count(*), count_if(has_interest), count_if(not has_interest), count_if(has_interest is null)
        from raw.users anti join raw.interactions using (user_id) left join carried using (user_id)"""
    )
    # 6 % of 600 only signed up, a third of them each.
    assert (silent, with_interest, rare_only, without) == (36, 12, 12, 12)
    [(share_without,)] = shop_query(
        "select avg((user_id not in (select user_id from raw.user_features))::int) from raw.users"
    )
    assert 0.2 < share_without < 0.4


def test_rare_countries_together_have_the_users_and_events_of_a_segment(shop_query: Query) -> None:
    carriers = "select user_id, feature, count(*) over (partition by feature) as carriers from raw.user_features"
    assert shop_query(
        f"""select count(*), count_if(user_id in (select user_id from raw.interactions)) from ({carriers})
        where feature like 'country:%' and carriers < 3"""
    ) == [(24, 12)]


def test_every_event_type_occurs_and_only_ratings_have_a_value(shop_query: Query) -> None:
    assert shop_query(
        "select event_type, count(value) > 0, min(value), max(value) from raw.interactions group by 1 order by 1"
    ) == [
        ("add_to_cart", False, None, None),
        ("click", False, None, None),
        ("purchase", False, None, None),
        ("rating", True, 1.0, 5.0),
        ("view", False, None, None),
    ]


def test_each_list_shows_ten_items_and_the_taste_variant_is_clicked_more(shop_query: Query) -> None:
    assert shop_query(
        """select distinct count(*), min(rank), max(rank), count(distinct item_id)
        from raw.exposures group by user_id, shown_at"""
    ) == [(10, 1, 10, 10)]
    rates = dict(
        shop_query(
            """select variant, avg((exists (
                select 1 from raw.interactions clicks where clicks.user_id = exposures.user_id
                and clicks.item_id = exposures.item_id and event_type = 'click'
                and occurred_at between shown_at and shown_at + interval 2 minutes))::int)
            from raw.exposures exposures group by variant"""
        )
    )
    assert rates["nightjar"] > 1.5 * rates["control"] > 0


def test_events_arrive_after_they_happen_and_a_few_a_day_late(shop_query: Query) -> None:
    [(earliest, late)] = shop_query(
        """select min(ingested_at - occurred_at) > interval 0 seconds,
            avg((ingested_at - occurred_at > interval 20 hours)::int) from raw.interactions"""
    )
    assert earliest
    assert 0.01 < late < 0.03


def test_a_second_import_adds_nothing_and_no_row_is_rejected(warehouse: Warehouse) -> None:
    first = import_demo_shop(warehouse, SMALL)
    assert all(count.added > 0 and count.already_there == 0 and count.rejected == 0 for count in first)
    second = import_demo_shop(warehouse, SMALL)
    assert [(count.added, count.already_there) for count in second] == [(0, count.added) for count in first]


@pytest.mark.parametrize(
    ("options", "option", "value"),
    [
        ({"users": 3}, "--users", 3),
        ({"items": 0}, "--items", 0),
        ({"days": 1}, "--days", 1),
        ({"seed": -1}, "--seed", -1),
        ({"last_date": date(1900, 1, 1)}, "--last-date", date(1900, 1, 1)),
        ({"days": 3651}, "--days", 3651),
    ],
)
def test_a_shop_that_cannot_be_is_refused(options: dict[str, Any], option: str, value: object) -> None:
    with refused(BadInput, "option_out_of_range", option=option, value=value):
        ShopOptions(**options)
