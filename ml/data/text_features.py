"""Items' texts as features: title tokens, and embeddings of titles and descriptions by a pre-trained text model.

Reads `items.parquet` and `item_features.parquet` of a snapshot; used wherever features are read for a fit.
docs/decisions/text-features.md has the reasons.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import sparse

from ml.data.encoded_features import principal_components, with_encoded_features, with_item_features
from ml.data.text_model import encode
from ml.data.training_data import TITLE_PREFIX, TrainingData
from nightjar.contract.item_text import DESCRIPTION_PREFIX, texts_of_items, title_of
from nightjar.contract.settings import Settings

# Of the features that a text model gives: no kind of a source or of `raw.item_vectors` has a blank.
_KIND = "text model"
# Letters of any script, three at least.
_TOKEN = re.compile(r"[^\W\d_]{3,}")


def with_text_features(data: TrainingData, snapshot: Path, settings: Settings) -> TrainingData:
    """Return the data with the features of the items' texts that the settings name, or unchanged.

    Args:
        data: the features of a run.
        snapshot: folder of `items.parquet` and `item_features.parquet`.
        settings: weight of title tokens and support of features; text model, dimensions and weight.

    Raises:
        BadInput: the model cannot be loaded.
        NightjarError: its values are not finite.
    """
    return _with_text_model(_with_title_tokens(data, snapshot, settings), snapshot, settings)


def _with_title_tokens(data: TrainingData, snapshot: Path, settings: Settings) -> TrainingData:
    if settings.title_word_weight == 0:
        return data
    titles = {item_id: title_of(item_id, title) for item_id, title in _titles(snapshot)}
    tokens = [sorted(set(_TOKEN.findall(titles.get(item_id, "").lower()))) for item_id in data.item_ids]
    carriers = Counter(token for each in tokens for token in each)
    kept = sorted(token for token, count in carriers.items() if count >= settings.min_feature_support)
    column_of = {token: column for column, token in enumerate(kept)}
    entries = [(row, column_of[token]) for row, each in enumerate(tokens) for token in each if token in column_of]
    if not entries:
        return data
    rows, columns = np.array(entries).T
    values = np.full(len(entries), settings.title_word_weight, np.float32)
    return with_item_features(
        data,
        sparse.csr_matrix((values, (rows, columns)), shape=(len(tokens), len(kept))),
        [f"{TITLE_PREFIX}{token}" for token in kept],
    )


def _with_text_model(data: TrainingData, snapshot: Path, settings: Settings) -> TrainingData:
    texts = item_texts(snapshot, data.item_ids) if settings.text_model else np.array([], object)
    rows_with_text = np.flatnonzero(texts != "")
    if len(rows_with_text) == 0:
        return data
    distinct, text_of_row = np.unique(texts[rows_with_text], return_inverse=True)
    vectors = encode(settings.text_model, tuple(distinct.tolist()))
    components = principal_components(vectors, settings.text_dimensions)[text_of_row]
    return with_encoded_features(data, _KIND, rows_with_text, components, settings.text_weight)


def item_texts(snapshot: Path, item_ids: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return title and descriptions of each item, one a line: (items,) text, empty where there is neither.

    Args:
        snapshot: folder of `items.parquet` and `item_features.parquet`.
        item_ids: (items,) text.
    """
    texts = texts_of_items(_titles(snapshot), _descriptions(snapshot))
    return np.array([texts.get(item_id, "") for item_id in item_ids], object)


def _descriptions(snapshot: Path) -> list[tuple[str, str]]:
    features = pq.read_table(snapshot / "item_features.parquet", columns=["item_id", "feature"])
    kept: pa.Table = features.filter(pc.starts_with(features["feature"], DESCRIPTION_PREFIX))
    return list(zip(kept["item_id"].to_pylist(), kept["feature"].to_pylist(), strict=True))


def _titles(snapshot: Path) -> list[tuple[str, str | None]]:
    items = pq.read_table(snapshot / "items.parquet", columns=["item_id", "title"])
    return list(zip(items["item_id"].to_pylist(), items["title"].to_pylist(), strict=True))
