"""The demo shop's published lists, worked out a second time from the raw rows and the published embeddings."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

K = 10
AS_OF = "timestamptz '2026-04-01 00:00:00+00'"
# The latest version of each item as of the night's end, straight from what was imported.
ITEMS = f"""
    select item_id, arg_max(domain, recorded_at) as domain,
        coalesce(arg_max(available_from, recorded_at) < {AS_OF}, true) as has_begun,
        coalesce(arg_max(available_until, recorded_at) >= {AS_OF}, true) as goes_on
    from raw.items where recorded_at < {AS_OF} group by item_id
"""
SEEN = f"select distinct user_id, item_id from raw.interactions where occurred_at < {AS_OF}"


@dataclass(frozen=True)
class Published:
    """What readers see, and what it must follow from."""

    domains: dict[str, str]
    available: set[str]
    seen: dict[str, set[str]]
    users: dict[str, np.ndarray]
    items: dict[str, tuple[np.ndarray, float]]
    lists: dict[tuple[str, str, str], list[tuple[str, float]]]


@pytest.fixture(scope="module")
def published(shop: Any) -> Published:
    items = shop.home.rows(ITEMS)
    seen = defaultdict(set)
    for user, item in shop.home.rows(SEEN):
        seen[user].add(item)
    lists = defaultdict(list)
    for user, domain, source, item, score in shop.home.rows(
        "select user_id, domain, source, item_id, score from recs.recommendations_current"
        " order by user_id, domain, rank"
    ):
        lists[user, domain, source].append((item, score))
    embeddings = shop.home.rows("select item_id, embedding, bias from recs.item_embeddings_current")
    return Published(
        domains={item: domain for item, domain, _, _ in items},
        available={item for item, _, has_begun, goes_on in items if has_begun and goes_on},
        seen=seen,
        users={
            user: np.array(vector)
            for user, vector in shop.home.rows("select user_id, embedding from recs.user_embeddings_current")
        },
        items={item: (np.array(vector), bias) for item, vector, bias in embeddings},
        lists=lists,
    )


def test_no_list_holds_an_item_that_was_seen_or_is_not_available(published: Published) -> None:
    assert 0 < len(published.available) < len(published.domains)
    for (user, domain, _), chosen in published.lists.items():
        for item, _ in chosen:
            assert published.domains[item] == domain
            assert item in published.available
            assert item not in published.seen[user]


def test_personal_lists_are_the_best_unseen_items_by_dot_product_and_bias(published: Published) -> None:
    personal = [key for key in published.lists if key[2] == "personal"]
    assert len(personal) > 1000
    for user, domain, source in personal:
        candidates = sorted(
            item
            for item in published.available - published.seen[user]
            if published.domains[item] == domain and item in published.items
        )
        vectors = np.array([published.items[item][0] for item in candidates])
        biases = np.array([published.items[item][1] for item in candidates])
        scores = dict(zip(candidates, vectors @ published.users[user] + biases, strict=True))
        chosen = published.lists[user, domain, source]
        assert [score for _, score in chosen] == pytest.approx([scores[item] for item, _ in chosen], abs=1e-5)
        best = sorted(scores.values(), reverse=True)[: len(chosen)]
        assert [score for _, score in chosen] == pytest.approx(best, abs=1e-5)


def test_one_users_personal_list_is_the_top_of_the_sorted_scores(published: Published) -> None:
    user, domain, source = min(key for key in published.lists if key[2] == "personal")
    unseen = sorted(published.available - published.seen[user])
    scores = {
        item: float(vector @ published.users[user] + bias)
        for item in unseen
        if published.domains[item] == domain
        for vector, bias in [published.items[item]]
    }
    best = sorted(scores, key=lambda item: -scores[item])[:K]
    assert [item for item, _ in published.lists[user, domain, source]] == best


def test_users_without_events_are_served_by_their_features_or_by_popularity(shop: Any, published: Published) -> None:
    sources = defaultdict(set)
    for user, _, source in published.lists:
        sources[source].add(user)
    # Of 36 customers without events a third each has an interest, only a rare country, or nothing at all.
    assert {source: len(users) for source, users in sources.items()} == {
        "personal": 564,
        "cold_user": 12,
        "segment_popular": 12,
        "popular": 12,
    }
    assert {user for user in published.users if published.seen[user]} == sources["personal"]
    assert {user for user in published.users if not published.seen[user]} == sources["cold_user"]
    described = {user for (user,) in shop.home.rows("select distinct user_id from raw.user_features")}
    assert sources["cold_user"] | sources["segment_popular"] <= described
    assert not sources["popular"] & described


def test_a_reason_is_an_item_the_user_met(shop: Any, published: Published) -> None:
    reasons = shop.home.rows(
        "select user_id, reason_item_id from recs.recommendations_current where source = 'personal'"
    )
    assert all(reason in published.seen[user] for user, reason in reasons)


def test_embeddings_have_64_finite_dimensions(published: Published) -> None:
    for vector in (*published.users.values(), *(vector for vector, _ in published.items.values())):
        assert vector.shape == (64,)
        assert np.isfinite(vector).all()


def test_similarity_is_the_cosine_of_the_published_embeddings(shop: Any, published: Published) -> None:
    rows = shop.home.rows("select item_id, similar_item_id, similarity from recs.similar_items_current")
    assert len(rows) > 10_000
    for item, similar, similarity in rows:
        a, b = published.items[item][0], published.items[similar][0]
        assert similarity == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-5)
        assert similar in published.available
