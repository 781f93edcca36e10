"""A model with item-item weights: the evaluation ranks as the publication does, with the same bits in any blocks."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from ml.data import training_data
from nightjar.contract.artifacts import embeddings, item_weights
from nightjar.contract.artifacts.item_weights import ItemWeights
from nightjar.contract.repeat_rule import Repeats
from nightjar.ranking import blend
from nightjar.ranking.catalogue import load_catalogue
from nightjar.ranking.scoring import best_items, popularity_ranking, published_ranking
from nightjar.ranking.user_block import recommend_to_block
from spark_jobs.scoring.recommendations import recommendations

USERS, ITEMS, K = 70, 90, 6


@pytest.fixture
def town(write_run_folder):
    """Write users and items of every kind of knowledge, in one domain or two."""

    def write(domains):
        draw = np.random.default_rng(8)
        known = draw.choice([0, 1, 2], ITEMS, p=[0.1, 0.2, 0.7])
        weights = np.where(draw.random((ITEMS, ITEMS)) < 0.2, draw.normal(size=(ITEMS, ITEMS)), 0)
        weights[known != 2] = weights[:, known != 2] = 0
        available = draw.random(ITEMS) < 0.9
        items = [(f"i{item:02d}", domains[item % len(domains)], bool(available[item])) for item in range(ITEMS)]
        popular = [
            ("all", domain, place + 1, item, 1.0)
            for domain in domains
            for place, item in enumerate(item for item in range(ITEMS) if items[item][1:] == (domain, True))
        ]
        return write_run_folder(
            items,
            draw.normal(size=(ITEMS, 5)),
            popular,
            item_biases=draw.normal(size=ITEMS).tolist(),
            item_sources=known.tolist(),
            user_vectors=draw.normal(size=(USERS, 5)),
            user_sources=draw.choice([0, 1, 2], USERS, p=[0.1, 0.1, 0.8]).tolist(),
            seen=[
                (user, int(item), place + 1)
                for user in range(USERS)
                for place, item in enumerate(draw.choice(ITEMS, int(draw.integers(1, 40)), replace=False))
            ],
            item_weights=ItemWeights(
                0.4,
                2.0,
                sparse.csr_matrix(weights.astype(np.float32)),
                (draw.random(ITEMS) * (known == 2)).astype(np.float32),
            ),
        )

    return write


def matrix(folder, name, values):
    table = pq.read_table(folder.features(name))
    data = table[values].to_numpy().astype(np.float32) if values else np.ones(len(table), np.float32)
    places = (table["user_index"].to_numpy(), table["item_index"].to_numpy())
    return sparse.csr_matrix((data, places), shape=(USERS, ITEMS))


def block_of(folder):
    users = pq.read_table(folder.features("user_ids")).append_column("segment", pa.array([None] * USERS, pa.string()))
    keys = ["user_index", "item_index"]
    return users, pq.read_table(folder.features("seen")).join(pq.read_table(folder.features("full_interactions")), keys)


@pytest.mark.parametrize("diversity", [0.0, 0.4])
@pytest.mark.parametrize("is_blended", [True, False])
def test_the_evaluation_ranks_as_the_publication_does(town, diversity: float, is_blended: bool) -> None:
    folder = town(["films"])
    if not is_blended:
        embeddings.save(embeddings.load(folder.model), folder.model)
        load_catalogue.cache_clear()
    model = embeddings.load(folder.model)
    history, seen = matrix(folder, "full_interactions", "weight"), matrix(folder, "seen", None)
    popularity = popularity_ranking(np.arange(ITEMS)[::-1], USERS)
    ranking = published_ranking(model, popularity, item_weights.mapped(folder.model), history, diversity)
    is_candidate = training_data.read_availability(folder.features_folder, model.item_ids)
    evaluated = best_items(ranking, np.arange(USERS), is_candidate, seen, K)

    published = np.full((USERS, K), -1)
    for row in recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K, diversity).to_pylist():
        published[int(row["user_id"][1:]), row["rank"] - 1] = int(row["item_id"][1:])
    assert published.tolist() == evaluated.tolist()
    # The blend, or the re-ranking, is what made them so.
    plain = best_items(published_ranking(model, popularity), np.arange(USERS), is_candidate, seen, K)
    assert (plain != evaluated).any(axis=1).mean() > 0.7 or not (is_blended or diversity)


@pytest.mark.parametrize("is_blended", [True, False])
def test_the_evaluation_allows_the_repeats_of_the_publication(town, is_blended: bool) -> None:
    folder = town(["films"])
    if not is_blended:
        embeddings.save(embeddings.load(folder.model), folder.model)
        load_catalogue.cache_clear()
    model = embeddings.load(folder.model)
    history, recency = matrix(folder, "full_interactions", "weight"), matrix(folder, "seen", "recency")
    # The n-th newest item had its last event n days ago.
    left_out = recency.copy()
    left_out.data[left_out.data >= 7] = 0
    left_out.eliminate_zeros()
    popularity = popularity_ranking(np.arange(ITEMS)[::-1], USERS)
    ranking = published_ranking(model, popularity, item_weights.mapped(folder.model), history)
    is_candidate = training_data.read_availability(folder.features_folder, model.item_ids)
    evaluated = best_items(ranking, np.arange(USERS), is_candidate, left_out, K)

    users, seen_rows = block_of(folder)
    seen_rows = seen_rows.append_column("days_since", seen_rows["recency"])
    items, published = load_catalogue(str(folder.path)), np.full((USERS, K), -1)
    for row in recommend_to_block(users, seen_rows, items, K, repeats=Repeats.of("films=7")).to_pylist():
        published[int(row["user_id"][1:]), row["rank"] - 1] = int(row["item_id"][1:])
        assert row["item_id"] != row["reason_item_id"]
    assert published.tolist() == evaluated.tolist()
    assert (recency.toarray()[np.arange(USERS)[:, None], published] >= 7).any()


def test_recommendations_are_the_best_unseen_available_items_of_each_domain_by_the_blend(town) -> None:
    folder = town(["books", "films"])
    items = load_catalogue(str(folder.path))
    history, seen = matrix(folder, "full_interactions", "weight"), matrix(folder, "seen", None).toarray()
    scores = items.blend.scores(np.asarray(items.user_vectors), history)
    rows = recommend_to_block(*block_of(folder), items, K).to_pylist()
    for user in np.flatnonzero(items.user_sources == 2):
        for domain in items.domains:
            fresh = [item for item in domain.candidates if not seen[user, item]]
            best = sorted(fresh, key=lambda item: -scores[user, item])[:K]
            listed = [row for row in rows if (row["user_id"], row["domain"]) == (f"u{user:05d}", domain.name)]
            assert [row["item_id"] for row in listed] == [f"i{item:02d}" for item in best]
            assert [row["score"] for row in listed] == pytest.approx([scores[user, item] for item in best], abs=1e-5)
            assert {row["source"] for row in listed} == {"personal"}


def test_users_without_trained_vectors_are_ranked_as_without_item_weights(town) -> None:
    folder = town(["books", "films"])
    blended = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    model = embeddings.load(folder.model)
    embeddings.save(model, folder.model)
    assert not list(folder.model.glob("cooccurrence*"))
    load_catalogue.cache_clear()
    plain = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    columns = ["user_id", "domain", "rank", "item_id", "score", "source"]

    def others(table: pa.Table) -> list[dict]:
        return [row for row in table.select(columns).to_pylist() if model.user_sources[int(row["user_id"][1:])] != 2]

    assert others(blended) == others(plain)
    assert not blended.select(columns).equals(plain.select(columns))


def test_spark_gives_the_same_bits_as_one_block_in_this_process(spark, town) -> None:
    folder = town(["books", "films"])
    here = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    found = []
    for partitions in (1, 4):
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        names = ("user_ids", "user_segments", "seen", "full_interactions")
        frames = [spark.read.parquet(str(folder.features(name))).repartition(partitions) for name in names]
        found.append(sorted(tuple(row) for row in recommendations(*frames, str(folder.path), K, 0.0, USERS).collect()))
    spark.conf.set("spark.sql.shuffle.partitions", 2)
    assert found[0] == found[1] == sorted(tuple(row.values()) for row in here.to_pylist())


def test_large_catalogues_are_scored_a_few_users_at_a_time(town, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = town(["books", "films"])
    whole = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    monkeypatch.setattr(blend, "_BLOCK_CELLS", 7 * ITEMS)
    parts = recommend_to_block(*block_of(folder), load_catalogue(str(folder.path)), K)
    assert parts.drop_columns("score").equals(whole.drop_columns("score"))
    assert parts["score"].to_numpy() == pytest.approx(whole["score"].to_numpy(), abs=1e-5)
