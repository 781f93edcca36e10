"""A publication of a tiny model, current, in a warehouse of either engine; each test adds events of users.

Films a, b, c, d, z and the book x; d is no longer available, z is unknown to the model. as_of is the start of March 2.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from nightjar.contract.artifacts import model_folder
from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.user_features import UserFeatures
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.ledger import add_entry, point_to
from nightjar.warehouse.protocol import Warehouse
from tests.support.insert_rows import lay_row, run_script

PUBLICATION, DAY, AS_OF = "2026-03-01.1", date(2026, 3, 1), datetime(2026, 3, 2, tzinfo=UTC)
# The trained users' vectors have lengths 5 and 1: a folded-in user has one of length 3.
MODEL = Embeddings(
    user_ids=np.array(["u1", "u2"], object),
    item_ids=np.array(["a", "b", "c", "d", "x", "z"], object),
    user_vectors=np.array([[3, 4], [0, 1]], np.float32),
    user_biases=np.zeros(2, np.float32),
    item_vectors=np.array([[2, 0], [0, 1], [1, 1], [5, 5], [0, 2], [0, 0]], np.float32),
    item_biases=np.zeros(6, np.float32),
    user_sources=np.array([2, 2], np.int8),
    item_sources=np.array([2, 2, 2, 2, 2, 0], np.int8),
)
FEATURES = UserFeatures(
    names=np.array(["job:(rare)", "job:x"], object),
    carriers=np.array([3, 4]),
    is_informative=np.array([False, True]),
    vectors=np.array([[0, 1], [1, 0]], np.float32),
    max_weight=2.0,
)
_CORE = """
    insert into raw.event_weights values ('rating', 0.0, 0.0, null), ('rating', 1.0, 4.0, null);
    create table core.dim_items as
        select item_id, case when item_id = 'x' then 'books' else 'films' end as domain, upper(item_id) as title,
            null::timestamptz as available_from,
            case when item_id = 'd' then timestamptz '2026-03-01 00:00+00' end as available_until,
            timestamptz '2026-01-01 00:00+00' as valid_from, null::timestamptz as valid_to
        from (values ('a'), ('b'), ('c'), ('d'), ('x'), ('z')) t(item_id);
"""
_POPULAR = [
    ("all", "films", 1, "a", 9.0),
    ("all", "films", 2, "z", 5.0),
    ("all", "films", 3, "c", 1.0),
    ("all", "books", 1, "x", 4.0),
    ("job:(rare)", "films", 1, "b", 7.0),
]
_PUBLISHED = [("u1", "books", 1, "x", 8.0, "personal", None), ("u1", "films", 1, "c", 7.0, "personal", "a")]


@pytest.fixture
def small(settings: Settings) -> Settings:
    """The settings of the test's home with two recommendations a domain."""
    return settings.model_copy(update={"top_k": 2, "min_segment_users": 3})


@pytest.fixture
def published(warehouse: Warehouse, settings: Settings) -> RunFolder:
    """Publish the model and u1's recommendations; u2 has none."""
    folder = RunFolder.of(settings.lake, PUBLICATION)
    model_folder.save(ModelSources(MODEL), folder.model, FEATURES)
    of_publication = {"publication_id": PUBLICATION, "data_date": DAY}
    with warehouse.transaction() as connection:
        run_script(connection, _CORE)
        for names, table, rows in (
            ("segment domain rank item_id score", "recs.popular_items", _POPULAR),
            ("user_id domain rank item_id score source reason_item_id", "recs.recommendations", _PUBLISHED),
        ):
            for row in rows:
                lay_row(connection, table, of_publication | dict(zip(names.split(), row, strict=True)))
        entry = add_entry(
            connection,
            **of_publication,
            as_of=AS_OF,
            action="published",
            previous_publication_id=None,
            model_uri="m",
            mlflow_run_id="r",
            content_hash="h",
            recommendation_rows=2,
            code_version="v",
            actor="a",
            reason="r",
        )
        point_to(connection, PUBLICATION, DAY, entry)
    return folder


@pytest.fixture
def event(warehouse: Warehouse) -> Callable[..., None]:
    """`event(user, item, hours, event_type, value)`: an event so many hours after the publication's as_of."""
    numbers = iter(range(1000))

    def add_event(user: str, item: str, hours: float, event_type: str = "purchase", value: Any = None) -> None:
        at = AS_OF + timedelta(hours=hours)
        row = {"event_id": f"e{next(numbers)}", "user_id": user, "item_id": item, "event_type": event_type}
        with warehouse.connect() as connection:
            lay_row(connection, "raw.interactions", row | {"value": value, "occurred_at": at, "ingested_at": at})

    return add_event


@pytest.fixture
def feature(warehouse: Warehouse) -> Callable[..., None]:
    """`feature(user, feature, weight, hours)`: a version of a feature, recorded so many hours after as_of."""

    def add_feature(user: str, feature: str, weight: float, hours: float) -> None:
        row = {"user_id": user, "feature": feature, "weight": weight, "recorded_at": AS_OF + timedelta(hours=hours)}
        with warehouse.connect() as connection:
            lay_row(connection, "raw.user_features", row)

    return add_feature


@pytest.fixture
def save_without_features() -> Callable[[RunFolder], None]:
    """Save the model as an earlier version did, without the users' features."""
    return lambda folder: model_folder.save(ModelSources(MODEL), folder.model)
