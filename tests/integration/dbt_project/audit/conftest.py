"""A sound attempt in the staging tables beside a faulty one."""

from typing import Any

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse

DATE = "2026-01-10"
PUBLICATION = f"{DATE}.1"
AS_OF = "2026-01-11 00:00:00+00"
LISTS = {
    ("u1", "films"): ("f2", "f3"),
    ("u1", "books"): ("b2",),
    ("u1", "default"): ("x1",),
    # f3 was clicked after the attempt's end: it is not seen yet.
    ("u2", "films"): ("f3", "f1"),
    ("u2", "books"): ("b1", "b2"),
    ("u2", "default"): ("x1",),
    ("u3", "films"): ("f2", "f3"),
    ("u3", "books"): ("b1", "b2"),
}
STAGED: dict[str, list[tuple[Any, ...]]] = {
    "recommendations": [
        (user, domain, rank, item, 1.0 / rank, "personal", None, "f1" if user == "u1" and item == "f2" else None)
        for (user, domain), items in LISTS.items()
        for rank, item in enumerate(items, 1)
    ],
    "similar_items": [("f1", "films", 1, "f2", 0.9), ("f1", "films", 2, "f3", 0.1), ("f1", "books", 1, "b1", -0.5)],
    "item_embeddings": [("f1", [0.5, 1.0], 0.1, "trained"), ("x1", [0.0, 1.0], 0.0, "features_only")],
    "user_embeddings": [("u1", [1.0, 0.0], 0.1, "trained")],
    "popular_items": [("all", "films", 1, "f1", 2.0), ("all", "books", 1, "b1", 1.0), ("all", "default", 1, "x1", 1.0)],
    "index_manifest": [
        (name, f"indices/{name}", "ab", "l2", 2, 2, 16, 200, 64, 10, 1.0, 0.1, 0.2)
        for name in ("retrieval", "similarity")
    ],
    "model_metrics": [(model, "all", "recall", 10, 0.2, 3) for model in ("nightjar", "popularity")],
    "model_sources": [
        ("lightfm", "vectors", "warm", 0.75, 0.5, 1.0, 1.5),
        ("ease", "item_weights", "warm", 0.25, 0.5, 0.0, None),
    ],
}
# What the attempt saw is what facts and dimensions hold, until a test changes them.
EVENT = f"occurred_at < timestamptz '{AS_OF}'"
SAW = [
    f"insert into recs_staging.snapshot_{table} select '{PUBLICATION}', date '{DATE}', {rows}"
    for table, rows in {
        "users": f"user_id from core.dim_users where valid_from < timestamptz '{AS_OF}'",
        "items": "item_id, domain, available_until is null or available_until >= timestamptz "
        f"'{AS_OF}' from core.dim_items where valid_from < timestamptz '{AS_OF}'",
        "interactions": f"user_id, item_id, max(occurred_at) from core.fct_interactions where {EVENT} "
        "group by user_id, item_id",
    }.items()
]


@pytest.fixture(scope="session")
def audited(engine: Any, built_warehouse: HandmadeWarehouse) -> HandmadeWarehouse:
    """The built warehouse with one sound attempt staged, and rows of another attempt that are full of faults."""
    warehouse: HandmadeWarehouse = engine.copy(built_warehouse)
    attempt = (PUBLICATION, DATE, 1, AS_OF, None, "auto", "all", None, "test", "test", AS_OF, None)
    warehouse.insert("recs.publication_attempts", [attempt])
    for table, staged in STAGED.items():
        warehouse.insert(f"recs_staging.{table}", [(PUBLICATION, DATE, *row) for row in staged])
    warehouse.execute(*SAW)
    warehouse.execute(
        "insert into recs_staging.recommendations "
        "select 'other', date '2020-01-01', user_id, domain, 7, 'f5', 'nan', 'magic', '{}', 'zz' "
        "from recs_staging.recommendations"
    )
    return warehouse
