"""Output tables about the model of a publication: embeddings, indices, metrics."""

from nightjar.contract.tables.column_types import BIGINT, DOUBLE, INTEGER, REAL, TEXT, VECTOR, Column, DataTest, Table
from nightjar.contract.tables.shared_columns import columns

_EMBEDDING_TESTS = (
    DataTest("is_finite", "have_finite_biases", {"columns": ["bias"]}),
    DataTest("is_one_of", "have_known_sources", {"column": "source", "members": ["trained", "features_only"]}),
)

ITEM_EMBEDDINGS = Table(
    "recs",
    "item_embeddings",
    "one item of one publication",
    ("publication_id", "item_id"),
    columns(
        "publication_id",
        "data_date",
        "item_id",
        Column("embedding", VECTOR, "Dense vector in the space shared with users."),
        Column("bias", REAL, "Item bias, added to the dot product."),
        Column("source", TEXT, "trained (has interactions) or features_only (sum of its features' embeddings)."),
    ),
    tests=_EMBEDDING_TESTS,
)

USER_EMBEDDINGS = Table(
    "recs",
    "user_embeddings",
    "one user of one publication",
    ("publication_id", "user_id"),
    columns(
        "publication_id",
        "data_date",
        "user_id",
        Column("embedding", VECTOR, "Dense vector in the space shared with items."),
        Column("bias", REAL, "User bias; the same for all items of the user."),
        Column("source", TEXT, "trained (has interactions) or features_only (sum of their features' embeddings)."),
    ),
    tests=_EMBEDDING_TESTS,
)

INDEX_MANIFEST = Table(
    "recs",
    "index_manifest",
    "one index of one publication",
    ("publication_id", "index_name"),
    columns(
        "publication_id",
        "data_date",
        Column("index_name", TEXT, "retrieval (user to item, by the model's score) or similarity (item to item)."),
        Column("uri", TEXT, "Folder that holds the index and its item ids."),
        Column("sha256", TEXT, "Digest of the index file."),
        Column("metric", TEXT, "What near means in the index: ip (inner product) or cosine; hnswlib's names."),
        Column(
            "dim",
            INTEGER,
            "Dimension of the indexed vectors. By ip: embedding and bias; query it with a user's embedding and 1.",
        ),
        Column("item_count", BIGINT, "Vectors in the index."),
        Column("m", INTEGER, "HNSW links per node."),
        Column("ef_construction", INTEGER, "HNSW candidate list size while building."),
        Column("ef", INTEGER, "HNSW candidate list size to search with."),
        Column("recall_k", INTEGER, "k of the measured recall."),
        Column(
            "recall",
            DOUBLE,
            "Recall@k against exact search, 0 to 1; null where there was nothing to query the index with.",
            nullable=True,
        ),
        Column(
            "latency_p50_ms",
            DOUBLE,
            "Median latency of one query, milliseconds; null without queries.",
            nullable=True,
        ),
        Column(
            "latency_p95_ms",
            DOUBLE,
            "95th percentile of the latency of one query, milliseconds; null without queries.",
            nullable=True,
        ),
    ),
    tests=(DataTest("is_within", "has_recall_from_0_to_1", {"columns": ["recall"], "lowest": 0, "highest": 1}),),
)

MODEL_METRICS = Table(
    "recs",
    "model_metrics",
    "one metric of one model on one slice of one publication's holdout",
    ("publication_id", "model", "slice", "metric", "k"),
    columns(
        "publication_id",
        "data_date",
        Column(
            "model",
            TEXT,
            "nightjar, the baseline popularity, champion (its refit on this data), consumed (users' own items), or a "
            "source of recs.model_sources: what it would find alone, on a sample of the users.",
        ),
        Column("slice", TEXT, "all, warm, cold_user, cold_item, fold_in, or cross:<source domain>-><target domain>."),
        Column(
            "metric",
            TEXT,
            "E.g. recall, ndcg, map, hit_rate, auc, coverage, gini, top_share, novelty, average_popularity.",
        ),
        Column("k", INTEGER, "Cut-off of the list; 0 where the metric looks at the whole ranking."),
        Column("value", DOUBLE, "The metric's value; null where the slice is empty.", nullable=True),
        Column("users", BIGINT, "Users the value is averaged over."),
    ),
    tests=(DataTest("is_finite", "have_finite_values", {"columns": ["value"]}),),
)

MODEL_SOURCES = Table(
    "recs",
    "model_sources",
    "one source that the model of one publication ranks by",
    ("publication_id", "source"),
    columns(
        "publication_id",
        "data_date",
        Column("source", TEXT, "lightfm (the embeddings) or another model, e.g. ease; as in contributions."),
        Column("kind", TEXT, "vectors, item_weights (applied to the user's own items) or item_scores."),
        Column("items", TEXT, "Which items it scores: warm (with interactions) or cold (by their features)."),
        Column(
            "weight",
            DOUBLE,
            "Weight of its standardised score in the score, 0 to 1, for users with items in the domain. Those of warm "
            "items sum to 1; of a cold item lightfm has what the sources of cold items leave.",
        ),
        Column(
            "weight_new_to_domain",
            DOUBLE,
            "The same for users whose items all lie in other domains; null in a publication of an earlier version.",
            nullable=True,
        ),
        Column(
            "weight_cold_user",
            DOUBLE,
            "The same for users without any item, whom their features place; null in a publication of an earlier "
            "version.",
            nullable=True,
        ),
        Column("fit_seconds", DOUBLE, "Seconds of its fit; null for a model of an earlier version.", nullable=True),
    ),
    tests=(
        DataTest(
            "is_within",
            "weigh_from_0_to_1",
            {
                "columns": ["weight", "weight_new_to_domain", "weight_cold_user"],
                "lowest": 0,
                "highest": 1,
            },
        ),
        DataTest(
            "is_one_of",
            "have_known_kinds",
            {"column": "kind", "members": ["vectors", "item_weights", "item_scores"]},
        ),
    ),
)
