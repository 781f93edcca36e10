"""A model with sources of every kind: evaluation and publication rank alike, to the last bit, in any blocks."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from ml.evaluation.holdout_slices import HoldoutSlice
from ml.evaluation.slice_lists import slice_lists
from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.model_folder import LIGHTFM, ModelSources
from nightjar.contract.artifacts.sources import (
    COLD,
    IN_DOMAIN,
    NEW_TO_DOMAIN,
    WARM,
    WITHOUT_ITEMS,
    History,
    HistoryRule,
    ItemScores,
    ItemWeights,
    Source,
    VectorSource,
)
from nightjar.contract.repeat_rule import Repeats
from nightjar.ranking import blend
from nightjar.ranking.catalogue import catalogue_of, load_catalogue, popularity_lists
from nightjar.ranking.ranker import Ranker
from nightjar.ranking.recommendation_rows import recommend_to_block
from nightjar.ranking.top_k_lists import SOURCES
from spark_jobs.scoring.recommendations import recommendations

USERS, ITEMS, K = 70, 90, 6
THREE = ["books", "films", "music"]


def sources_of(draw: np.random.Generator, known: np.ndarray, cold_user: float) -> tuple[Source, ...]:
    """Return sources of every kind, of warm and of cold items, with weights of their own for users new to a domain."""

    def weights(is_scored: np.ndarray) -> sparse.csr_matrix:
        drawn = np.where(draw.random((ITEMS, ITEMS)) < 0.2, draw.normal(size=(ITEMS, ITEMS)), 0)
        drawn[known != 2] = 0
        return sparse.csr_matrix((drawn * is_scored).astype(np.float32))

    average = (draw.random(ITEMS) * (known == 2)).astype(np.float32)
    of_other = [draw.normal(size=size).astype(np.float32) for size in ((USERS, 3), (ITEMS, 3), ITEMS)]
    return (
        Source("ease", 0.3, ItemWeights(weights(known == 2), HistoryRule(2.0), average), WARM, 0.0),
        Source("content", 0.5, ItemWeights(weights(known == 1)), COLD),
        Source("trending", 0.1, ItemScores(draw.random(ITEMS).astype(np.float32)), WARM, 0.3, cold_user),
        Source("other", 0.2, VectorSource(*of_other)),
        Source("transitions", 0.15, ItemWeights(weights(known == 2), HistoryRule(0.0, 3, 1.5)), WARM, 0.25),
    )


def seen_by(user: int, draw: np.random.Generator, domains: int) -> np.ndarray:
    """Return what a user has seen, newest first; every fifth user knows the first domain alone."""
    known = np.arange(0, ITEMS, domains) if user % 5 == 0 else np.arange(ITEMS)
    return draw.choice(known, int(draw.integers(1, len(known) * 2 // 3)), replace=False)


@pytest.fixture
def town(write_run_folder):
    """Write users and items of every kind of knowledge, in one domain or more."""

    def write(domains, *, is_blended=True, cold_user=0.4):
        draw = np.random.default_rng(8)
        known = draw.choice([0, 1, 2], ITEMS, p=[0.1, 0.2, 0.7])
        others = sources_of(draw, known, cold_user)
        available = draw.random(ITEMS) < 0.9
        items = [(f"i{item:02d}", domains[item % len(domains)], bool(available[item])) for item in range(ITEMS)]
        of_domains = {name: [item for item in range(ITEMS) if items[item][1:] == (name, True)] for name in domains}
        popular = [
            (segment, name, place + 1, int(item), float(99 - place))
            for name, members in of_domains.items()
            for segment, size in (("all", ITEMS), ("job:x", 3))
            for place, item in enumerate(draw.permutation(members)[:size])
        ]
        return write_run_folder(
            items,
            draw.normal(size=(ITEMS, 5)),
            popular,
            item_biases=draw.normal(size=ITEMS).tolist(),
            item_sources=known.tolist(),
            user_vectors=draw.normal(size=(USERS, 5)),
            user_sources=draw.choice([0, 1, 2], USERS, p=[0.2, 0.1, 0.7]).tolist(),
            segments=[(user, "job:x") for user in range(0, USERS, 2)],
            seen=[
                (user, int(item), place + 1)
                for user in range(USERS)
                for place, item in enumerate(seen_by(user, draw, len(domains)))
            ],
            others=others if is_blended else (),
        )

    return write


def matrix(folder, name, values):
    table = pq.read_table(folder.features(name))
    data = table[values].to_numpy().astype(np.float32) if values else np.ones(len(table), np.float32)
    places = (table["user_index"].to_numpy(), table["item_index"].to_numpy())
    return sparse.csr_matrix((data, places), shape=(USERS, ITEMS))


def history_of(folder) -> History:
    return History(*(matrix(folder, "full_interactions", name) for name in ("weight", "newest_rank")))


def evaluation_ranker(folder, diversity: float = 0.0) -> Ranker:
    """Return the ranker that the evaluation makes of a model in memory."""
    items = pq.read_table(folder.features("item_ids")).sort_by("item_index")
    popular = pq.read_table(folder.features("popularity")).sort_by("rank")
    segments = np.full(USERS, None, object)
    of_users = pq.read_table(folder.features("user_segments"))
    segments[of_users["user_index"].to_numpy()] = of_users["segment"].to_pylist()
    catalogue = catalogue_of(model_folder.mapped(folder.model), items, popularity_lists(popular))
    return Ranker(catalogue, history_of(folder), segments, diversity)


def evaluated_rows(ranker: Ranker, users: np.ndarray, left_out: sparse.csr_matrix) -> list[tuple]:
    """Return (user, domain, rank, item, score, source) of the evaluation's lists."""
    return sorted(
        (f"u{user:05d}", domain.name, rank + 1, f"i{item:02d}", float(lists.scores[row, rank]), SOURCES[source])
        for domain, lists in zip(ranker.catalogue.domains, ranker.lists(users, left_out, K), strict=True)
        for row, user in enumerate(users)
        for rank, (item, source) in enumerate(zip(lists.items[row], lists.sources[row], strict=True))
        if item >= 0
    )


def block_of(folder):
    users = pq.read_table(folder.features("user_ids")).join(
        pq.read_table(folder.features("user_segments")), "user_index"
    )
    keys = ["user_index", "item_index"]
    return users, pq.read_table(folder.features("seen")).join(pq.read_table(folder.features("full_interactions")), keys)


def spark_rows(spark, folder, partitions: int, block_users: int, diversity: float = 0.0) -> list[tuple]:
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    names = ("user_ids", "user_segments", "seen", "full_interactions")
    frames = [spark.read.parquet(str(folder.features(name))).repartition(partitions) for name in names]
    rows = recommendations(*frames, str(folder.path), K, diversity, block_users).collect()
    spark.conf.set("spark.sql.shuffle.partitions", 2)
    return sorted((tuple(row) for row in rows), key=repr)


@pytest.mark.parametrize("diversity", [0.0, 0.4])
def test_evaluation_and_spark_give_the_same_rows_on_three_domains_bit_by_bit(spark, town, diversity: float) -> None:
    folder = town(THREE)
    published = [row[:6] for row in spark_rows(spark, folder, 3, 16, diversity)]
    # The users of a holdout: a part of all.
    users = np.flatnonzero(np.random.default_rng(1).random(USERS) < 0.6)
    ranker, seen = evaluation_ranker(folder, diversity), matrix(folder, "seen", None)
    evaluated = evaluated_rows(ranker, users, seen)
    names = {f"u{user:05d}" for user in users}
    assert sorted(row for row in published if row[0] in names) == evaluated
    assert {row[1] for row in evaluated} == set(THREE)
    assert {row[5] for row in evaluated} == set(SOURCES)
    # What metrics are computed of.
    everything = HoldoutSlice("overall", users, sparse.csr_matrix((len(users), ITEMS)), np.ones(ITEMS, bool))
    [of_slice] = slice_lists(ranker, [everything], seen, K)
    assert {(row[0], row[1], row[2], row[3]) for row in evaluated} == {
        (f"u{user:05d}", name, rank + 1, f"i{item:02d}")
        for name, lists in of_slice.items()
        for user, items in zip(users, lists, strict=True)
        for rank, item in enumerate(items)
        if item >= 0
    }


def test_spark_gives_the_same_bits_as_one_block_in_this_process(spark, town) -> None:
    folder = town(["books", "films"])
    here = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    expected = sorted((tuple(row.values()) for row in here.to_pylist()), key=repr)
    # Any partitions and any blocks: contributions and reasons, too.
    for partitions, block_users in ((1, USERS), (4, USERS), (2, 7)):
        assert spark_rows(spark, folder, partitions, block_users) == expected


@pytest.mark.parametrize("is_blended", [True, False])
def test_the_evaluation_allows_the_repeats_of_the_publication(town, is_blended: bool) -> None:
    folder = town(["books", "films"], is_blended=is_blended)
    # The n-th newest item had its last event n days ago; books are left to be recommended once.
    left_out = matrix(folder, "seen", "recency")
    is_film = np.arange(ITEMS) % 2 == 1
    left_out.data[(left_out.data >= 7) & is_film[left_out.indices]] = 0
    left_out.eliminate_zeros()
    evaluated = evaluated_rows(evaluation_ranker(folder), np.arange(USERS), left_out)

    users, seen_rows = block_of(folder)
    seen_rows = seen_rows.append_column("days_since", seen_rows["recency"])
    table = recommend_to_block(users, seen_rows, load_catalogue(str(folder.path)), K, repeats=Repeats.of("films=7"))
    rows = table.to_pylist()
    assert sorted(tuple(row.values())[:6] for row in rows) == evaluated
    assert all(row["item_id"] != row["reason_item_id"] for row in rows)
    recency = matrix(folder, "seen", "recency").toarray()
    repeated = [row for row in rows if recency[int(row["user_id"][1:]), int(row["item_id"][1:])] >= 7]
    assert {row["domain"] for row in repeated} == {"films"}


def test_recommendations_are_the_best_unseen_available_items_of_each_domain_by_the_blend(town) -> None:
    folder = town(["books", "films"])
    items = load_catalogue(str(folder.path))
    history, seen = history_of(folder), matrix(folder, "seen", None).toarray()
    blended, liked = items.blend.scores(items.user_vectors, history), history.weights.toarray() > 0
    rows = recommend_to_block(*block_of(folder), items, K).to_pylist()
    groups = set()
    for user in np.flatnonzero(items.user_sources == 2):
        for number, domain in enumerate(items.domains):
            group = IN_DOMAIN if liked[user, number::2].any() else NEW_TO_DOMAIN
            groups.add((domain.name, group))
            scores = blended.total(group)
            fresh = [item for item in domain.candidates if not seen[user, item]]
            best = sorted(fresh, key=lambda item: -scores[user, item])[:K]
            listed = [row for row in rows if (row["user_id"], row["domain"]) == (f"u{user:05d}", domain.name)]
            of_model = [row for row in listed if row["source"] == "personal"]
            assert [row["item_id"] for row in of_model] == [f"i{item:02d}" for item in best]
            assert [row["score"] for row in of_model] == pytest.approx([scores[user, item] for item in best], abs=1e-5)
            assert {row["source"] for row in listed[len(best) :]} <= {"popular"}
    assert groups >= {("books", IN_DOMAIN), ("films", IN_DOMAIN), ("films", NEW_TO_DOMAIN)}


def test_cold_users_are_ranked_by_their_features_and_by_what_is_the_same_for_all(town) -> None:
    folder = town(["books", "films"])
    model, items = model_folder.mapped(folder.model), load_catalogue(str(folder.path))
    trained, seen = model.embeddings, matrix(folder, "seen", None).toarray()
    [everyones] = (np.asarray(each.fitted.scores) for each in model.others if each.name == "trending")
    of_features = trained.user_vectors @ trained.item_vectors.T + trained.item_biases
    is_warm = trained.item_sources == 2
    rows = recommend_to_block(*block_of(folder), items, K).to_pylist()
    cold = np.flatnonzero(trained.user_sources == 1)
    assert len(cold) > 3
    for user in cold:
        own, all_likes = (
            (each - each[is_warm].mean()) / each[is_warm].std() for each in (of_features[user], everyones)
        )
        scores = np.where(is_warm, 0.6 * own + 0.4 * all_likes, own)
        for domain in items.domains:
            best = sorted((i for i in domain.candidates if not seen[user, i]), key=lambda item: -scores[item])[:K]
            listed = [row for row in rows if (row["user_id"], row["domain"]) == (f"u{user:05d}", domain.name)]
            assert [row["item_id"] for row in listed] == [f"i{item:02d}" for item in best]
            assert [row["score"] for row in listed] == pytest.approx(scores[best], abs=1e-4)
            assert {row["source"] for row in listed} == {"cold_user"}


def test_contributions_of_published_rows_sum_to_their_scores(town) -> None:
    folder, named = town(THREE), {}
    liked = matrix(folder, "full_interactions", "weight").toarray() > 0
    rows = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K).to_pylist()
    for row in rows:
        if row["source"] in ("popular", "segment_popular"):
            assert row["contributions"] is None
            continue
        parts = json.loads(row["contributions"])
        assert 0 not in parts.values()
        assert sum(parts.values()) == pytest.approx(row["score"], abs=5e-4)
        is_new = not liked[int(row["user_id"][1:]), THREE.index(row["domain"]) :: 3].any()
        group = WITHOUT_ITEMS if row["source"] == "cold_user" else NEW_TO_DOMAIN if is_new else IN_DOMAIN
        named.setdefault(group, set()).update(parts)
    everything = {LIGHTFM, "ease", "content", "trending", "other", "transitions"}
    assert named == {
        IN_DOMAIN: everything,
        NEW_TO_DOMAIN: everything - {"ease"},
        WITHOUT_ITEMS: {LIGHTFM, "trending"},
    }


def test_users_for_whom_other_sources_weigh_nothing_are_ranked_as_without_them(town) -> None:
    folder = town(["books", "films"], cold_user=0.0)
    blended = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    model = embeddings.load(folder.model)
    model_folder.save(ModelSources(model), folder.model)
    load_catalogue.cache_clear()
    plain = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    columns = ["user_id", "domain", "rank", "item_id", "score", "source", "contributions"]

    def others(table: pa.Table) -> list[dict]:
        return [row for row in table.select(columns).to_pylist() if model.user_sources[int(row["user_id"][1:])] != 2]

    assert others(blended) == others(plain)
    assert not blended.select(columns).equals(plain.select(columns))


def test_large_catalogues_are_scored_a_few_users_at_a_time(town, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = town(["books", "films"])
    whole = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    monkeypatch.setattr(blend, "_MANY_ITEMS", 7)
    parts = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    numbers = ["score", "contributions"]
    assert parts.drop_columns(numbers).equals(whole.drop_columns(numbers))
    assert parts["score"].to_numpy() == pytest.approx(whole["score"].to_numpy(), abs=1e-5)
