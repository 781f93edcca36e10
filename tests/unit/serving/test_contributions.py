"""What each source adds to the score of a folded-in user, by hand, and the same as columns."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from scipy import sparse

from nightjar.contract.artifacts.embeddings import Embeddings
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import ItemWeights, Source
from nightjar.contract.settings import Settings
from nightjar.ranking.catalogue import catalogue_of, popularity_lists
from nightjar.serving.contributions import contributions_by_source
from nightjar.serving.published_model import PublishedModel, spaces_of
from nightjar.serving.recommend import RecommendedItem, recommendations_by_model
from nightjar.serving.user_history import UserHistory

AT = datetime(2026, 3, 2, tzinfo=UTC)
# Users of a and of c get b from the item weights, users of b get both others. d is known by its features only.
WEIGHTS = sparse.csr_matrix(np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0] * 4], np.float32))
MODEL = ModelSources(
    Embeddings(
        user_ids=np.array(["u"], object),
        item_ids=np.array(["a", "b", "c", "d"], object),
        user_vectors=np.ones((1, 1), np.float32),
        user_biases=np.zeros(1, np.float32),
        item_vectors=np.array([[1], [2], [3], [0]], np.float32),
        item_biases=np.zeros(4, np.float32),
        user_sources=np.array([2], np.int8),
        item_sources=np.array([2, 2, 2, 0], np.int8),
    ),
    (Source("ease", 0.5, ItemWeights(WEIGHTS)),),
)


def recommended(*liked: str) -> dict[str, RecommendedItem]:
    items = pa.table({"item_id": list("abcd"), "domain": ["films"] * 4, "is_available": [True] * 4})
    popular = pa.table({"segment": ["all"], "domain": ["films"], "item_index": [3], "score": [5.0]})
    model = PublishedModel(catalogue_of(MODEL, items, popularity_lists(popular)), spaces_of(MODEL), None)
    history = UserHistory(AT if liked else None, dict.fromkeys(liked, AT), liked, {})
    rows = recommendations_by_model(model, "new", history, AT, Settings(top_k=3))
    return {row.item_id: row for row in rows}


def test_a_folded_in_user_has_the_contributions_of_every_source_and_popular_items_have_none() -> None:
    rows = recommended("a")
    # Of a, b, c the embeddings' scores are as 1, 2, 3: standardised -1.2247, 0, 1.2247. The item weights' are 0, 1, 0:
    # -0.7071, 1.4142, -0.7071. Each weighs a half.
    assert (rows["b"].source, rows["b"].contributions) == ("fold_in", '{"ease":0.7071}')
    assert (rows["c"].source, rows["c"].contributions) == ("fold_in", '{"lightfm":0.6124,"ease":-0.3536}')
    assert abs(rows["c"].score - 0.2588) < 1e-4
    assert (rows["d"].source, rows["d"].contributions) == ("popular", None)


def test_an_unknown_user_has_popular_items_without_contributions() -> None:
    assert {item: row.contributions for item, row in recommended().items()} == {"d": None}


def test_a_source_that_a_row_does_not_name_adds_nothing_to_it() -> None:
    rows = ['{"ease":1.5}', None, "{}", '{"lightfm":0.25,"ease":-1}']
    assert contributions_by_source(rows) == {"ease": [1.5, None, 0, -1], "lightfm": [0, None, 0, 0.25]}
    assert contributions_by_source([None, None]) == {}
