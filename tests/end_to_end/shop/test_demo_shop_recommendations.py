"""The demo shop's published recommendations, computed a second time from the raw rows and the published model."""

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ml.index import hnsw
from nightjar.contract.run_folder import RunFolder

K = 10
SIDES = ("user", "item")
AS_OF = "timestamptz '2026-04-01 00:00:00+00'"
# The latest version of each item as of the run's end, straight from what was imported.
ITEMS = f"""
    select item_id, arg_max(domain, recorded_at) as domain,
        coalesce(arg_max(available_from, recorded_at) < {AS_OF}, true) as has_begun,
        coalesce(arg_max(available_until, recorded_at) >= {AS_OF}, true) as goes_on
    from raw.items where recorded_at < {AS_OF} group by item_id
"""
SEEN = f"select distinct user_id, item_id from raw.interactions where occurred_at < {AS_OF}"


@dataclass(frozen=True)
class Published:
    """The published rows, and the rows they are computed from."""

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


@dataclass(frozen=True)
class PublishedModel:
    """The files of the published model, and the users' own items.

    Attributes:
        arrays: by name of the file.
        sources: the facts in the manifest, but of the embeddings.
        own: (users, items) weights.
        newest_ranks: (users, items), 1 for the newest; 0 for what is none of the user's own.
    """

    arrays: dict[str, np.ndarray]
    sources: list[dict[str, Any]]
    own: np.ndarray
    newest_ranks: np.ndarray

    def scores(self, source: dict[str, Any]) -> np.ndarray:
        """(users, items) or (1, items), not standardised; a user of whom the source knows nothing has 0 for all."""
        name = source["name"]
        if source["kind"] == "item_scores":
            return self.arrays[f"{name}.scores"][None]
        if source["kind"] == "vectors":
            vectors = self.arrays[f"{name}.user_vectors"]
            scores = vectors @ self.arrays[f"{name}.item_vectors"].T + self.arrays[f"{name}.item_biases"]
            return np.where(vectors.any(axis=1)[:, None], scores, 0)
        power, newest, decay = (source[f"history_{each}"] for each in ("exponent", "newest", "decay"))
        weighed = np.where(self.own > 0, self.own**power, 0)
        if decay > 0:
            weighed = weighed * np.exp((1 - self.newest_ranks) / decay)
        if newest > 0:
            weighed = np.where(self.newest_ranks <= newest, weighed, 0)
        scores = weighed @ self.item_weights(name)
        if f"{name}.average" in self.arrays:
            average = self.arrays[f"{name}.average"]
            scores = np.where(scores.any(axis=1)[:, None], scores - weighed.sum(axis=1)[:, None] * average, 0)
        return scores

    def item_weights(self, name: str) -> np.ndarray:
        """(items, items), of the source itself or of the one that it shares them with."""
        [source] = [each for each in self.sources if each["name"] == name]
        written = source.get("weights_of", name)
        items = self.own.shape[1]
        weights = np.zeros((items, items))
        rows = np.repeat(np.arange(items), np.diff(self.arrays[f"{written}.indptr"]))
        weights[rows, self.arrays[f"{written}.indices"]] = self.arrays[f"{written}.data"]
        return weights


@pytest.fixture(scope="module")
def model(shop: Any) -> PublishedModel:
    folder = RunFolder.of(shop.home.settings.lake, "2026-03-31.1")
    arrays = {path.stem: np.load(path) for path in folder.model.glob("*.npy")}
    manifest = json.loads((folder.model / "manifest.json").read_text())
    pairs = pq.read_table(folder.features("full_interactions"))
    histories = []
    for name in ("weight", "newest_rank"):
        history = np.zeros((len(arrays["user_vectors"]), len(arrays["item_vectors"])))
        history[pairs["user_index"].to_numpy(), pairs["item_index"].to_numpy()] = pairs[name].to_numpy()
        histories.append(history)
    return PublishedModel(arrays, [each for each in manifest["sources"] if each["name"] != "lightfm"], *histories)


@pytest.fixture(scope="module")
def blended(shop: Any, published: Published, model: PublishedModel) -> dict[tuple[str, str], dict[str, float]]:
    """The score of each item for each user and domain by the rule in docs/decisions/blend.md, from whole matrices."""
    folder = RunFolder.of(shop.home.settings.lake, "2026-03-31.1")
    users, items = (pq.read_table(folder.model / f"{side}_ids.parquet").column(0).to_pylist() for side in SIDES)
    arrays, has_events = model.arrays, model.arrays["item_known"] == 2

    def standardised(scores: np.ndarray) -> np.ndarray:
        known = scores[:, has_events]
        spread = known.std(axis=1, keepdims=True)
        return (scores - known.mean(axis=1, keepdims=True)) / np.where(spread > 1e-6, spread, np.inf)

    by_embeddings = standardised(arrays["user_vectors"] @ arrays["item_vectors"].T + arrays["item_biases"])
    warm = {each["name"]: each for each in model.sources if each["items"] == "warm"}
    terms = {name: np.where(has_events, standardised(model.scores(each)), 0) for name, each in warm.items()}
    of_domain = np.array([published.domains[item] for item in items])
    scores = {}
    for domain in sorted(set(of_domain)):
        has_item = model.own[:, of_domain == domain].any(axis=1)[:, None]
        total = np.zeros_like(by_embeddings)
        left = np.ones((len(users), 1))
        for name, term in terms.items():
            weight = np.where(has_item, warm[name]["weight"], warm[name]["weight_new_to_domain"])
            total, left = total + weight * term, left - weight
        total = with_content(model, total + left * by_embeddings, by_embeddings, has_events)
        for user, row in zip(users, total.tolist(), strict=True):
            scores[user, domain] = dict(zip(items, row, strict=True))
    return scores


def with_content(
    model: PublishedModel, scores: np.ndarray, by_embeddings: np.ndarray, has_events: np.ndarray
) -> np.ndarray:
    """Return the scores with those of cold items, which have weights where their features gave them some.

    What they say is counted among such items, and put where their embeddings have them.
    """
    content = next((each for each in model.sources if each["name"] == "content"), {"weight": 0})
    weight = content["weight"]
    # The run chooses it by what it holds out; with none there are no such weights.
    if weight == 0:
        return scores
    is_cold = ~has_events & model.item_weights("content").any(axis=0)
    assert is_cold.sum() > 1
    of_cold, embedded = model.scores(content)[:, is_cold], by_embeddings[:, is_cold]
    centred = of_cold - of_cold.mean(axis=1, keepdims=True)
    spread = of_cold.std(axis=1, keepdims=True)
    by_features = centred / np.where(spread > 1e-6, spread, np.inf) * embedded.std(axis=1, keepdims=True)
    scores[:, is_cold] = (1 - weight) * embedded + weight * (by_features + embedded.mean(axis=1, keepdims=True))
    return scores


def test_no_recommendation_is_a_seen_or_unavailable_item(published: Published) -> None:
    assert 0 < len(published.available) < len(published.domains)
    for (user, domain, _), chosen in published.lists.items():
        for item, _ in chosen:
            assert published.domains[item] == domain
            assert item in published.available
            assert item not in published.seen[user]


def test_personal_recommendations_are_the_best_unseen_items_by_the_blend(
    published: Published, blended: dict[tuple[str, str], dict[str, float]]
) -> None:
    personal = [key for key in published.lists if key[2] == "personal"]
    assert len(personal) > 1000
    for user, domain, source in personal:
        scores = {
            item: blended[user, domain][item]
            for item in published.available - published.seen[user]
            if published.domains[item] == domain and item in published.items
        }
        chosen = published.lists[user, domain, source]
        assert [score for _, score in chosen] == pytest.approx([scores[item] for item, _ in chosen], abs=1e-4)
        best = sorted(scores.values(), reverse=True)[: len(chosen)]
        assert [score for _, score in chosen] == pytest.approx(best, abs=1e-4)


def test_one_users_personal_recommendations_are_the_top_of_the_sorted_scores(
    published: Published, blended: dict[tuple[str, str], dict[str, float]]
) -> None:
    user, domain, source = min(key for key in published.lists if key[2] == "personal")
    unseen = [item for item in published.available - published.seen[user] if published.domains[item] == domain]
    best = sorted(unseen, key=lambda item: -blended[user, domain][item])[:K]
    assert [item for item, _ in published.lists[user, domain, source]] == best


def test_cold_users_are_served_by_their_features_or_by_popularity(shop: Any, published: Published) -> None:
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


def test_cold_items_are_in_personal_recommendations_similar_items_and_both_indices(
    shop: Any, published: Published
) -> None:
    seen_items = set().union(*published.seen.values())
    cold = {item for item in published.items if item not in seen_items} & published.available
    assert cold
    assert cold & {item for key, rows in published.lists.items() if key[2] == "personal" for item, _ in rows}
    similar = shop.home.rows("select item_id, similar_item_id from recs.similar_items_current")
    assert cold <= {item for item, _ in similar}
    assert cold & {item for _, item in similar}
    folder = RunFolder.of(shop.home.settings.lake, "2026-03-31.1")
    for name in ("retrieval", "similarity"):
        assert cold <= set(hnsw.load(folder.index(name)).item_ids)


def test_a_reason_item_is_one_the_user_has_seen(shop: Any, published: Published) -> None:
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
