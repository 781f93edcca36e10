"""Output tables that readers take recommendations from."""

from nightjar.contract.tables.column_types import REAL, TEXT, Column, DataTest, Table
from nightjar.contract.tables.shared_columns import columns

RECOMMENDATIONS = Table(
    "recs",
    "recommendations",
    "one recommended item of one user in one domain of one publication",
    ("publication_id", "user_id", "domain", "rank"),
    columns(
        "publication_id",
        "data_date",
        "user_id",
        "domain",
        "rank",
        "item_id",
        Column("score", REAL, "What the top-K list is sorted by; comparable within one user and source only."),
        Column("source", TEXT, "How it was chosen: personal, fold_in, cold_user, segment_popular or popular."),
        Column(
            "contributions",
            TEXT,
            'What each source of recs.model_sources added to the score, as JSON: {"lightfm":0.81,"ease":0.42}. Their '
            "sum is the score, unless a diversity weight re-ranked the list; null for popular items.",
            nullable=True,
        ),
        Column(
            "reason_item_id",
            TEXT,
            "The user's own item that contributes most (by co-occurrence, else by cosine), if any.",
            nullable=True,
        ),
    ),
    tests=(
        DataTest("ranks_are_contiguous", "have_no_gap_in_ranks", {"key_of_list": ["user_id", "domain"]}),
        DataTest("is_finite", "have_finite_scores", {"columns": ["score"]}),
        DataTest(
            "is_one_of",
            "have_known_sources",
            {"column": "source", "members": ["personal", "fold_in", "cold_user", "segment_popular", "popular"]},
        ),
        DataTest("is_key", "have_no_item_twice", {"columns": ["publication_id", "user_id", "domain", "item_id"]}),
    ),
)

SIMILAR_ITEMS = Table(
    "recs",
    "similar_items",
    "one similar item of one item in one target domain of one publication",
    ("publication_id", "item_id", "target_domain", "rank"),
    columns(
        "publication_id",
        "data_date",
        "item_id",
        Column("target_domain", TEXT, "Domain of the similar item."),
        "rank",
        Column("similar_item_id", TEXT, "The similar item."),
        Column("similarity", REAL, "Cosine of the two embeddings, -1 to 1."),
    ),
    tests=(
        DataTest("ranks_are_contiguous", "have_no_gap_in_ranks", {"key_of_list": ["item_id", "target_domain"]}),
        DataTest("is_within", "have_cosines", {"columns": ["similarity"], "lowest": -1.0001, "highest": 1.0001}),
        DataTest(
            "is_key",
            "have_no_item_twice",
            {"columns": ["publication_id", "item_id", "target_domain", "similar_item_id"]},
        ),
    ),
)

POPULAR_ITEMS = Table(
    "recs",
    "popular_items",
    "one popular item of one segment in one domain of one publication",
    ("publication_id", "segment", "domain", "rank"),
    columns(
        "publication_id",
        "data_date",
        Column("segment", TEXT, "`all`, or the user feature whose carriers it counts."),
        "domain",
        "rank",
        "item_id",
        Column(
            "score",
            REAL,
            "Sum over the segment's users of the largest decayed weight of each user's events with the item.",
        ),
    ),
    tests=(
        DataTest("ranks_are_contiguous", "have_no_gap_in_ranks", {"key_of_list": ["segment", "domain"]}),
        DataTest("is_finite", "have_finite_scores", {"columns": ["score"]}),
        DataTest("is_key", "have_no_item_twice", {"columns": ["publication_id", "segment", "domain", "item_id"]}),
    ),
)
