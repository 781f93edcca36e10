"""A town of three domains: the evaluation ranks the rows that Spark publishes."""

from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pyarrow.dataset as ds
import pytest
from scipy import sparse

from ml.data.training_data import TrainingData, read_training_data
from ml.evaluation.holdout_slices import holdout_slices
from ml.models.candidate import Candidate, fit_candidate
from ml.models.source_weights import SourceWeights
from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.embeddings import TRAINED, UNKNOWN
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS
from nightjar.contract.artifacts.sources import USERS as USER_KINDS
from nightjar.contract.progress import StageProgress
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.ranking.top_k_lists import SOURCES
from spark_jobs import build_features, score_users
from spark_jobs.kept_frames import kept_in_files
from tests.integration.spark_jobs.conftest import SNAPSHOT_SCHEMAS

DOMAINS = ("bars", "films", "groceries")
USERS, ITEMS, EVENTS, K = 260, 150, 4_000, 5
# As a run may choose them: of what orders the newest items, of what is the same for all, and of what is neither.
CHOSEN = SourceWeights(
    {
        IN_DOMAIN: {LIGHTFM: 0.3, "ease_recent": 0.2, "transitions_last": 0.3, "als": 0.1, "trending_4_days": 0.1},
        NEW_TO_DOMAIN: {LIGHTFM: 0.2, "transitions_long": 0.3, "trending_60_days": 0.4, "ease_even": 0.1},
        WITHOUT_ITEMS: {LIGHTFM: 0.4, "trending_14_days": 0.4, "popular": 0.2},
    }
)
SETTINGS = Settings(epochs=4, embedding_dim=16, top_k=K, diversity_weight=0.0, cold_item_share=0.3)


@pytest.fixture(scope="module")
def town(spark, tmp_path_factory: pytest.TempPathFactory, as_of) -> RunFolder:
    """Features of a run: tastes, tags, towns of users, unliked events, and items and users that have no event.

    Every fifth user knows bars alone.
    """
    random = np.random.default_rng(5)
    user, item = random.integers(0, USERS - 20, EVENTS), (random.pareto(1.2, EVENTS) * 12).astype(int) % (ITEMS - 10)
    item -= np.where(user % 5 == 0, item % 3, 0)
    tables = {
        "interactions": [
            (f"e{n:04d}", f"u{u:03d}", f"i{i:03d}", "visit", None, w, None, as_of - timedelta(hours=int(h)))
            for n, (u, i, w, h) in enumerate(
                zip(
                    user,
                    item,
                    random.choice([0.0, 1.0, 2.0], EVENTS).tolist(),
                    random.integers(1, 3_000, EVENTS),
                    strict=True,
                )
            )
        ],
        "items": [(f"i{n:03d}", DOMAINS[n % 3], None, n % 13 != 0) for n in range(ITEMS)],
        "item_features": [(f"i{n:03d}", f"tag:{n % 11}", 1.0) for n in range(ITEMS) if n % 7],
        "users": [(f"u{n:03d}", None) for n in range(USERS)],
        "user_features": [(f"u{n:03d}", f"town:{n % 4}", 1.0) for n in range(USERS) if n % 3],
    }

    folder = RunFolder(tmp_path_factory.mktemp("town"))
    snapshot = {name: spark.createDataFrame(rows, SNAPSHOT_SCHEMAS[name]) for name, rows in tables.items()}
    arguments = Namespace(
        as_of=as_of,
        min_feature_support=1,
        max_feature_weight=10.0,
        recency_rank_power=2.0,
        holdout="newest",
        holdout_fraction=0.2,
        cold_holdout_fraction=0.1,
        domain_holdout_fraction=0.2,
        popularity_half_life_days=90.0,
        min_segment_users=5,
        popular_k=4,
        repeat_after_days=Repeats.of(""),
        seed=7,
    )
    progress = cast(StageProgress, SimpleNamespace(doing=""))
    with kept_in_files(tmp_path_factory.mktemp("kept"), progress) as keep:
        for name, frame in build_features.features(snapshot, arguments, keep).items():
            frame.write.parquet(str(folder.features(name)))
    return folder


@pytest.fixture(scope="module")
def data(town: RunFolder) -> TrainingData:
    return read_training_data(town.features_folder)


def published_rows(
    spark, folder: RunFolder, candidate: Candidate
) -> dict[tuple[str, str, int], tuple[str, float, str]]:
    """Item, score and source by user, domain and rank, of the Spark job on a model of its own."""
    settings = candidate.settings
    model_folder.save(candidate.model(), folder.model)
    features = {name: spark.read.parquet(str(folder.features(name))) for name in score_users.FEATURES}
    arguments = Namespace(
        top_k=K,
        diversity_weight=settings.diversity_weight,
        similar_k=K,
        popular_k=4,
        repeat_after_days=settings.repeats,
        block_users=100,
    )
    rows = score_users.outputs(features, str(folder.path), arguments)["recommendations"].collect()
    return {(row.user_id, row.domain, row.rank): (row.item_id, row.score, row.source) for row in rows}


def evaluated_rows(folder: RunFolder, data: TrainingData, candidate: Candidate, users: np.ndarray) -> dict:
    """The same of some users, by the ranker of the evaluation."""
    seen = ds.dataset(folder.features("seen")).to_table()
    left_out = sparse.csr_matrix(
        (np.ones(seen.num_rows, np.float32), (seen["user_index"].to_numpy(), seen["item_index"].to_numpy())),
        shape=data.full.shape,
    )
    ranker = candidate.published_ranker()
    rows = {}
    for domain, lists in zip(ranker.catalogue.domains, ranker.lists(users, left_out, K), strict=True):
        for row, rank in np.argwhere(lists.items >= 0).tolist():
            item, score = data.item_ids[lists.items[row, rank]], float(lists.scores[row, rank])
            rows[data.user_ids[users[row]], domain.name, rank + 1] = (item, score, SOURCES[lists.sources[row, rank]])
    return rows


def kinds_of(data: TrainingData, candidate: Candidate) -> dict[tuple[str, str], str]:
    """Return one of `USERS` by user and domain; users unknown to the model are of none."""
    sources = candidate.model().embeddings.user_sources
    kinds = {}
    for domain in DOMAINS:
        has_item = data.full[:, data.item_domains == domain].getnnz(axis=1) > 0
        of_trained = np.where(has_item, IN_DOMAIN, NEW_TO_DOMAIN)
        of_users = np.where(sources == TRAINED, of_trained, WITHOUT_ITEMS)[sources != UNKNOWN]
        kinds |= {
            (user, domain): str(kind) for user, kind in zip(data.user_ids[sources != UNKNOWN], of_users, strict=True)
        }
    return kinds


@pytest.mark.parametrize("changed", [IN_DOMAIN, NEW_TO_DOMAIN, WITHOUT_ITEMS])
def test_the_weights_of_some_users_change_the_lists_of_these_users_alone(
    town: RunFolder, data: TrainingData, changed: str
) -> None:
    candidate = fit_candidate(data.full_part, SETTINGS).with_weights(CHOSEN)
    everyone = np.arange(len(data.user_ids))
    before = evaluated_rows(town, data, candidate, everyone)
    weights = SourceWeights({**CHOSEN.of, changed: {LIGHTFM: 0.1, "trending_1_days": 0.9}})
    after = evaluated_rows(town, data, candidate.with_weights(weights), everyone)
    assert before.keys() == after.keys()
    kinds = kinds_of(data, candidate)
    differ = {
        (user, domain) for user, domain, rank in before if before[user, domain, rank] != after[user, domain, rank]
    }
    of_kind = {list_of for list_of, kind in kinds.items() if kind == changed}
    assert len(of_kind) > 10
    assert differ == of_kind


@pytest.mark.parametrize("chosen", [None, CHOSEN])
@pytest.mark.parametrize("changes", [{}, {"diversity_weight": 0.4, "popularity_weight": 0.5}])
def test_the_evaluation_finds_for_users_of_the_holdout_the_rows_that_spark_publishes(
    spark, town: RunFolder, data: TrainingData, tmp_path: Path, changes: dict[str, float], chosen: SourceWeights | None
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    (folder.path / "features").symlink_to(town.features_folder)
    candidate = fit_candidate(data.full_part, SETTINGS.model_copy(update=changes)).with_weights(chosen)
    published = published_rows(spark, folder, candidate)
    assert {domain for _, domain, _ in published} == set(DOMAINS)
    assert {source for _, _, source in published.values()} >= {"personal", "cold_user"}
    assert set(kinds_of(data, candidate).values()) == set(USER_KINDS)

    slices = holdout_slices(data.train, data.holdout, data.is_available, SETTINGS.seed)
    held_out = np.unique(np.concatenate([each.users for each in slices]))
    assert len(held_out) > 150
    ids = set(data.user_ids[held_out].tolist())
    expected = {key: row for key, row in published.items() if key[0] in ids}
    assert evaluated_rows(town, data, candidate, held_out) == expected
    # Nobody else in the block changes a bit: all users in another order, and one alone.
    everyone = np.random.default_rng(1).permutation(len(data.user_ids))
    assert evaluated_rows(town, data, candidate, everyone) == published
    alone = evaluated_rows(town, data, candidate, held_out[:1])
    assert alone == {key: row for key, row in published.items() if key[0] == data.user_ids[held_out[0]]}
