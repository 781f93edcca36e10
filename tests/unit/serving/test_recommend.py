import shutil
from collections.abc import Callable
from typing import Any

import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.serving.recommend import RecommendationReader
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

Add = Callable[..., None]


def answer(settings: Settings, user: str) -> tuple[str, list[tuple[Any, ...]]]:
    recommended = RecommendationReader(settings).recommendations_for(user)
    assert (recommended.user_id, recommended.publication_id, str(recommended.data_date)) == (
        user,
        "2026-03-01.1",
        "2026-03-01",
    )
    rows = [
        (item.domain, item.rank, item.item_id, pytest.approx(item.score, abs=1e-4), item.source, item.reason_item_id)
        for item in recommended.items
    ]
    return recommended.source, rows


def test_a_user_without_newer_events_gets_the_published_rows(
    small: Settings, warehouse: Warehouse, published: RunFolder, event: Add
) -> None:
    event("u1", "a", -1)
    event("u2", "b", 1)
    assert answer(small, "u1") == (
        "personal",
        [("books", 1, "x", 8.0, "personal", None), ("films", 1, "c", 7.0, "personal", "a")],
    )


def test_a_user_with_newer_events_is_folded_in_by_old_and_new_items(
    small: Settings, warehouse: Warehouse, published: RunFolder, event: Add
) -> None:
    event("u1", "a", -1)
    event("u1", "b", 0)
    # b + a/2 = (1, 1): of the lengths 2, 1, 2, 10, 2 of a, b, c, d, x the mean is 3.4, the variance 11.04.
    # Of films c alone is left; b and a are as near to it: the newer.
    assert answer(small, "u1") == (
        "fold_in",
        [
            ("books", 1, "x", -0.4214, "fold_in", "b"),
            ("films", 1, "c", -0.4214, "fold_in", "b"),
            ("films", 2, "z", 5.0, "popular", None),
        ],
    )


def test_a_new_user_is_folded_in_by_what_they_liked_and_the_model_knows(
    small: Settings, warehouse: Warehouse, published: RunFolder, event: Add
) -> None:
    event("new", "a", 1)
    event("new", "x", 2, " HIDE ")
    event("new", "c", 2, "rating", 3.0)
    event("new", "released today", 3)
    # (3, 0): a hidden or low-rated item is not recommended, but has no part in the vector and is no reason. Of the
    # lengths 2, 0, 1, 5, 0 the mean is 1.6, the variance 3.44.
    assert answer(small, "new") == (
        "fold_in",
        [("films", 1, "b", -0.8627, "fold_in", "a"), ("films", 2, "z", 5.0, "popular", None)],
    )


def test_only_the_newest_items_count(small: Settings, warehouse: Warehouse, published: RunFolder, event: Add) -> None:
    event("new", "a", 1)
    event("new", "x", 2)
    # (0, 3) by x alone: of the lengths 0, 1, 1, 5, 2 the mean is 1.8, the variance 2.96.
    assert answer(small.model_copy(update={"fold_in_items": 1}), "new") == (
        "fold_in",
        [("films", 1, "b", -0.465, "fold_in", "x"), ("films", 2, "c", -0.465, "fold_in", "x")],
    )


def test_rows_say_what_each_source_added(
    small: Settings, warehouse: Warehouse, published: RunFolder, event: Add, feature: Add
) -> None:
    event("folded in", "a", 1)
    feature("by features", "job:x", 2, 1)

    def contributions(user: str) -> list[tuple[str, str | None]]:
        items = RecommendationReader(small).recommendations_for(user).items
        return [(item.item_id, item.contributions) for item in items]

    assert contributions("folded in") == [
        ("x", '{"lightfm":-0.8627}'),
        ("c", '{"lightfm":-0.3235}'),
        ("b", '{"lightfm":-0.8627}'),
    ]
    assert contributions("by features") == [("x", "{}"), ("a", '{"lightfm":4}'), ("c", '{"lightfm":2}')]
    assert contributions("nobody") == [("x", None), ("a", None), ("z", None)]
    # u1's rows were published without.
    assert contributions("u1") == [("x", None), ("c", None)]


def test_a_user_without_events_gets_the_vector_of_their_features(
    small: Settings, warehouse: Warehouse, published: RunFolder, feature: Add
) -> None:
    feature("new", "job:x", 0.5, -9)
    feature("new", " job:x ", 3, 1)
    # The newest weight 3 is scaled down to 2, the cap of the sum: (2, 0).
    assert answer(small, "new") == (
        "cold_user",
        [
            ("books", 1, "x", 0.0, "cold_user", None),
            ("films", 1, "a", 4.0, "cold_user", None),
            ("films", 2, "c", 2.0, "cold_user", None),
        ],
    )


def test_a_feature_unknown_to_the_model_gives_the_segment_of_rare_ones(
    small: Settings, warehouse: Warehouse, published: RunFolder, feature: Add, event: Add
) -> None:
    feature("new", "job:x", 1, 1)
    feature("new", "job:x", 0, 2)
    feature("new", "job:astronaut", 1, 2)
    event("new", "a", 3, "hide")
    assert answer(small, "new") == (
        "segment_popular",
        [
            ("books", 1, "x", 4.0, "popular", None),
            ("films", 1, "b", 7.0, "segment_popular", None),
            ("films", 2, "z", 5.0, "popular", None),
        ],
    )
    # Three users carry it.
    assert answer(small.model_copy(update={"min_segment_users": 4}), "new")[0] == "popular"


def test_an_unknown_user_gets_popular_items(small: Settings, warehouse: Warehouse, published: RunFolder) -> None:
    assert answer(small, "nobody") == (
        "popular",
        [
            ("books", 1, "x", 4.0, "popular", None),
            ("films", 1, "a", 9.0, "popular", None),
            ("films", 2, "z", 5.0, "popular", None),
        ],
    )


def test_a_reader_follows_the_pointer_to_another_model(
    small: Settings, warehouse: Warehouse, published: RunFolder
) -> None:
    reader = RecommendationReader(small)
    reader.recommendations_for("nobody")
    shutil.rmtree(published.model)
    assert reader.recommendations_for("nobody").source == "popular"
    with warehouse.connect() as connection:
        connection.execute("update recs.current_publication set publication_id = '2026-03-01.2'")
    with refused(NightjarError, "missing_model", wording=False, publication_id="2026-03-01.2"):
        reader.recommendations_for("nobody")


def test_with_a_model_of_an_earlier_version_features_do_not_count(
    small: Settings,
    warehouse: Warehouse,
    published: RunFolder,
    feature: Add,
    save_without_features: Callable[[RunFolder], None],
) -> None:
    save_without_features(published)
    feature("new", "job:x", 1, 1)
    assert answer(small, "new")[0] == "popular"


def test_a_user_who_has_seen_everything_gets_nothing(
    small: Settings, warehouse: Warehouse, published: RunFolder, event: Add
) -> None:
    for item in "abcdxz":
        event("new", item, 1)
    assert answer(small, "new") == ("popular", [])


def test_nothing_published_and_an_empty_id_are_bad_input(small: Settings, warehouse: Warehouse) -> None:
    with refused(BadInput, "nothing_published", wording=False):
        RecommendationReader(small).recommendations_for("u1")
    with refused(BadInput, "empty_id", wording=False, user_id=""):
        RecommendationReader(small).recommendations_for("")
