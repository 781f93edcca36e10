"""Two publications laid by hand into a warehouse, the later one current, and what users did with what they saw."""

from typing import Any

from tests.support.handmade_warehouses import HandmadeWarehouse

# u1's and u2's films on two data dates: of u1 one of two films changes, u2 keeps the one film.
LISTS = {
    ("2026-01-09.1", "2026-01-09"): [("u1", 1, "f2"), ("u1", 2, "f3"), ("u2", 1, "f4")],
    ("2026-01-10.1", "2026-01-10"): [("u1", 1, "f3"), ("u1", 2, "f4"), ("u2", 1, "f4")],
}
RECORDED = "2026-01-11 00:00:00+00"
# What the sources added to every recommendation.
ADDED = '{"lightfm":0.3,"ease":0.2}'
# Nightjar's recommendations to u1 and u2, popular items to u3 and the unknown user u4; u2 also saw an item that was not
# recommended.
SHOWN = [
    ("x1", "u1", "f3", 1, "2026-01-10.1", "nightjar", "2026-01-11 09:00:00+00"),
    ("x2", "u2", "f3", 1, "2026-01-10.1", "nightjar", "2026-01-11 09:00:00+00"),
    ("x3", "u2", "f4", 1, "2026-01-10.1", "nightjar", "2026-01-11 09:00:00+00"),
    ("x4", "u3", "f4", 2, "2026-01-10.1", "control", "2026-01-11 09:00:00+00"),
    ("x5", "u3", "f2", 1, "2026-01-10.1", "control", "2026-01-11 09:00:00+00"),
    ("x6", "u4", "f5", 1, "2026-01-10.1", "control", "2026-01-11 09:00:00+00"),
    ("x7", "u1", "f2", 1, "2026-01-09.1", "nightjar", "2026-01-10 09:00:00+00"),
]
# u2 clicks x2 and buys it; u1 comes back two days later to x7.
LATER = [
    ("e7", "u2", "f3", "purchase", 12.5, "2026-01-11 10:05:00+00"),
    ("e8", "u1", "f2", "click", None, "2026-01-12 08:00:00+00"),
]


def entry(ledger_id: int, publication: str, action: str, previous: str | None, digest: str = "h") -> tuple[Any, ...]:
    """One row of the ledger."""
    day = publication.partition(".")[0]
    as_of = f"{day} 00:00:00+00"
    made = (action, previous, "m", "r", digest, 3, "v", "a", "test", RECORDED)
    return (ledger_id, publication, day, as_of, *made)


def publish_twice(warehouse: HandmadeWarehouse) -> None:
    """Lay the rows; dbt has to build facts and marts after it."""
    for ledger_id, ((publication, day), lists) in enumerate(LISTS.items(), 1):
        previous = None if ledger_id == 1 else "2026-01-09.1"
        warehouse.insert("recs.publications", [entry(ledger_id, publication, "published", previous)])
        warehouse.insert(
            "recs.recommendations",
            [(publication, day, user, "films", rank, item, 0.5, "personal", ADDED, None) for user, rank, item in lists],
        )
        warehouse.insert(
            "recs.popular_items",
            [(publication, day, "all", "films", rank, item, 1 / rank) for rank, item in ((1, "f2"), (2, "f4"))],
        )
        warehouse.insert(
            "recs.model_metrics",
            [
                (publication, day, "nightjar", "all", "recall", 2, 0.4, 3),
                (publication, day, "popularity", "all", "recall", 2, 0.25, 3),
                (publication, day, "ease", "all", "recall", 2, 0.3, 2),
            ],
        )
        warehouse.insert(
            "recs.model_sources",
            [
                (publication, day, "lightfm", "vectors", "warm", 0.75, 0.5, 1.0, 1.5),
                (publication, day, "ease", "item_weights", "warm", 0.25, 0.5, 0.0, None),
                (publication, day, "trending", "item_scores", "warm", 0.0, None, None, 0.5),
            ],
        )
    warehouse.insert("recs.current_publication", [("2026-01-10.1", "2026-01-10", 2, RECORDED)])
    warehouse.insert("raw.exposures", [(*shown, shown[-1]) for shown in SHOWN])
    warehouse.insert("raw.interactions", [(*event, "2026-01-12 09:00:00+00") for event in LATER])
