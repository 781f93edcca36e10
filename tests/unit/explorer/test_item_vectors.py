"""Vectors of items, their neighbours and the labels of the map, as the analysts' role, on both engines."""

from datetime import UTC, datetime

import numpy as np
import pytest

from nightjar.contract.settings import Settings
from nightjar.explorer import charts, item_map, item_vectors, items
from nightjar.explorer.item_vectors import EMBEDDINGS, ItemVectors, Space
from nightjar.explorer.warehouse_queries import query_warehouse
from nightjar.warehouse.protocol import Connection, Warehouse
from tests.support.two_weeks import CURRENT

# Its data interval ends on March 21; that of the current publication on April 1.
EARLIER = "2026-03-20.1"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def lay_vector(
    connection: Connection, item_id: str, vector: list[float], since: datetime, until: datetime | None = None
) -> None:
    connection.execute(
        "insert into marts.item_vectors values (?, 'sound', ?, ?, ?, ?, ?)",
        [item_id, vector, len(vector), since, since, until],
    )


def test_neighbours_have_the_highest_cosines_whatever_the_lengths_of_the_vectors() -> None:
    vectors = np.array([[2, 0], [3, 4], [0, 9], [-1, 0], [5, 0], [4, 3]], np.float32)
    space = ItemVectors(["a", "b", "c", "d", "e", "f"], vectors)
    assert item_vectors.nearest(space, "a", 3) == [("e", 1.0), ("f", 0.8), ("b", 0.6)]
    assert item_vectors.nearest(space, "a", 10)[3:] == [("c", 0.0), ("d", -1.0)]
    assert item_vectors.nearest(space, "nobody", 3) == []
    assert item_vectors.nearest(ItemVectors(["a"], vectors[:1]), "a", 3) == []


def test_equal_cosines_are_in_the_order_of_the_ids_though_their_last_bits_differ() -> None:
    vectors = np.array([[1, 2, 3], [0.1, 0.2, 0.3], [7, 14, 21], [0.3, 0.6, 0.9]], np.float32)
    found = item_vectors.nearest(ItemVectors(["a", "b", "c", "d"], vectors), "a", 3)
    assert found == [("b", 1.0), ("c", 1.0), ("d", 1.0)]


def test_a_publication_has_the_versions_recorded_before_its_interval_ended(
    two_weeks: Settings, warehouse: Warehouse
) -> None:
    changed, ended = at("2026-03-25"), at("2026-04-01")
    with warehouse.transaction() as connection:
        lay_vector(connection, "film-01", [1, 0], LONG_AGO, changed)
        lay_vector(connection, "film-01", [0, 1], changed)
        # Replaced at the end of the current interval, and recorded then: neither version is one of that run's.
        lay_vector(connection, "film-07", [3, 4], LONG_AGO, ended)
        lay_vector(connection, "film-07", [8, 6], ended)
        lay_vector(connection, "film-10", [5, 0], ended)

    def state(connection: Connection, publication_id: str) -> tuple:
        return (
            item_vectors.vectors_of_item(connection, publication_id, "film-01").rows,
            item_vectors.vectors_of_item(connection, publication_id, "film-10").rows,
            item_vectors.read_vectors(connection, publication_id, "sound"),
            item_vectors.spaces(connection, publication_id),
        )

    now, earlier = query_warehouse(
        two_weeks, lambda connection: (state(connection, CURRENT), state(connection, EARLIER))
    )
    long_before = at("2026-03-17")
    assert now[0] == [("clip", 2, long_before), ("sound", 2, changed)]
    assert earlier[0] == [("clip", 2, long_before), ("sound", 2, LONG_AGO)]
    assert now[1] == earlier[1] == [("clip", 2, long_before)]
    for found, of_film_01 in ((now[2], [0, 1]), (earlier[2], [1, 0])):
        assert found.item_ids == ["film-01", "film-07"]
        assert found.vectors.dtype == np.float32
        assert found.vectors.tolist() == [of_film_01, [3, 4]]
    assert [(each.name, each.items) for each in now[3]] == [(EMBEDDINGS, 32), ("clip", 32), ("sound", 2)]
    assert [(each.name, each.items) for each in earlier[3]] == [("clip", 32), ("sound", 2)]
    assert now[3][2].state != earlier[3][1].state


def test_neighbours_are_shown_by_title_in_their_order(two_weeks: Settings) -> None:
    found, none = query_warehouse(
        two_weeks,
        lambda connection: (
            items.with_titles(connection, [("film-07", 0.9), ("gone", 0.5), ("film-01", -0.25)]),
            items.with_titles(connection, []),
        ),
    )
    assert found.columns == ["rank", "title", "domain", "similarity", "item_id"]
    assert found.rows == [
        (1, "The Bright Verdict", "films", 0.9, "film-07"),
        (2, "gone", None, 0.5, "gone"),
        (3, "The Quiet Cipher", "films", -0.25, "film-01"),
    ]
    assert none.rows == []


def test_a_sample_is_always_the_same_and_in_the_order_of_the_ids(two_weeks: Settings) -> None:
    first, again, all_of_them, embedded = query_warehouse(
        two_weeks,
        lambda connection: (
            item_vectors.read_sample(connection, CURRENT, "clip", 5),
            item_vectors.read_sample(connection, CURRENT, "clip", 5),
            item_vectors.read_sample(connection, CURRENT, "clip", 100),
            item_vectors.read_sample(connection, CURRENT, EMBEDDINGS, 100),
        ),
    )
    assert len(first.item_ids) == 5
    assert first.item_ids == again.item_ids == sorted(first.item_ids)
    assert len(all_of_them.item_ids) == 32
    assert embedded.item_ids == all_of_them.item_ids
    assert embedded.vectors.shape == (32, 5)
    # book-00 and book-03 are the first two items that are laid.
    assert all_of_them.vectors[:2].tolist() == [[1, 0], [1, 1]]


def test_items_are_coloured_by_domain_or_by_the_features_of_their_publication(
    two_weeks: Settings, warehouse: Warehouse
) -> None:
    with warehouse.transaction() as connection:
        for feature, weight, since, until in (
            ("year:1990s", 1.0, LONG_AGO, at("2026-03-25")),
            ("year:2000s: late", 2.0, at("2026-03-25"), None),
            ("year:2010s", 2.0, at("2026-04-01"), None),
            ("yearly:no", 1.0, LONG_AGO, None),
            ("without a kind", 1.0, LONG_AGO, None),
        ):
            connection.execute(
                "insert into marts.item_features values (?, ?, ?, ?, ?)", ["film-01", feature, weight, since, until]
            )
    kinds, now, earlier, domains = query_warehouse(
        two_weeks,
        lambda connection: (
            item_map.feature_kinds(connection, CURRENT),
            item_map.values_of(connection, CURRENT, "year"),
            item_map.values_of(connection, EARLIER, "year"),
            item_map.values_of(connection, CURRENT, item_map.DOMAIN),
        ),
    )
    assert kinds == ["genre", "year", "yearly"]
    assert now == {"film-01": [("2000s: late", 2.0)]}
    assert earlier == {"film-01": [("1990s", 1.0)]}
    assert domains["film-01"] == [("films", 1.0)]
    assert len(domains) == 32


def test_a_warehouse_of_an_earlier_version_has_embeddings_only(two_weeks: Settings, warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("drop table marts.item_vectors")
        connection.execute("drop table marts.item_features")
    spaces, of_item, kinds = query_warehouse(
        two_weeks,
        lambda connection: (
            item_vectors.spaces(connection, CURRENT),
            item_vectors.vectors_of_item(connection, CURRENT, "film-01"),
            item_map.feature_kinds(connection, CURRENT),
        ),
    )
    assert spaces == [Space(EMBEDDINGS, 32, "x")]
    assert (of_item.rows, kinds) == ([], [])


def test_points_are_titled_and_grey_ones_drawn_first() -> None:
    found = item_map.points(
        ["i1", "i2", "i3"], [[1.00049, 2], [3, 4], [5, 6]], ["Drama", "(none)", "(other)"], {"i1": ("One", "films")}
    )
    assert found.rows == [
        ("i2", None, "(none)", 3, 4, "i2"),
        ("i3", None, "(other)", 5, 6, "i3"),
        ("One", "films", "Drama", 1.0, 2, "i1"),
    ]


def test_the_map_has_the_colours_of_its_labels_no_axes_and_one_scale() -> None:
    points = item_map.points(["i1", "i2"], [[-50.0, 1.0], [50.0, 3.0]], ["Drama", "(none)"], {})
    drawn = charts.item_map(points, {"Drama": "#111111", "(none)": "#eeeeee"}, "genre").to_dict()
    encoding = drawn["encoding"]
    assert encoding["color"]["scale"] == {"domain": ["Drama", "(none)"], "range": ["#111111", "#eeeeee"]}
    assert (encoding["x"]["axis"], encoding["y"]["axis"]) == (None, None)
    left, right = encoding["x"]["scale"]["domain"]
    low, high = encoding["y"]["scale"]["domain"]
    assert (left, right) == pytest.approx((-52, 52))
    assert (right - left) / drawn["width"] == pytest.approx((high - low) / drawn["height"])
    assert (high + low) / 2 == pytest.approx(2)
