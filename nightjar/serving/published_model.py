"""The model of one publication, loaded to rank for one user at a time.

Reads `model/` of the publication's run folder, `recs.popular_items` and `core.dim_items`, which are kept longer than
the features of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from nightjar.contract.artifacts import embeddings, model_folder
from nightjar.contract.artifacts.embeddings import TRAINED, Vectors
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.user_features import UserFeatures, read_user_features
from nightjar.contract.errors import NightjarError
from nightjar.publishing.unload import ITEMS_AS_OF
from nightjar.ranking.catalogue import Catalogue, catalogue_of, popularity_lists
from nightjar.ranking.fold_in import trained_length
from nightjar.warehouse.protocol import Connection

_POPULAR = """
    select segment, domain, item_id, score from recs.popular_items
    where publication_id = ? order by rank, domain, segment
"""
_POPULAR_SCHEMA = pa.schema(
    {"segment": pa.string(), "domain": pa.string(), "item_index": pa.int64(), "score": pa.float32()}
)


@dataclass(frozen=True)
class Space:
    """Where one source of kind vectors folds users in.

    Attributes:
        item_vectors: (items, dim) float32.
        mean_user_length: mean length of the trained users' vectors.
    """

    item_vectors: Vectors
    mean_user_length: float


@dataclass(frozen=True)
class PublishedModel:
    """The model and catalogue of one publication.

    Attributes:
        catalogue: items of the model, with the popularity lists of the publication.
        spaces: by source of kind vectors.
        user_features: of the model; None: an earlier version saved it without.
    """

    catalogue: Catalogue
    spaces: Mapping[str, Space]
    user_features: UserFeatures | None

    @cached_property
    def item_index(self) -> Mapping[str, int]:
        """Index of each item of the model by its id."""
        return {item_id: index for index, item_id in enumerate(self.catalogue.item_ids.to_pylist())}


def load_published_model(connection: Connection, model: Path, publication_id: str, as_of: datetime) -> PublishedModel:
    """Load the model of a publication, with its items as of its run.

    Args:
        connection: to the warehouse of the publication.
        model: folder of its embeddings.
        publication_id: of the publication.
        as_of: end of its data interval.

    Raises:
        NightjarError: the model is missing or damaged.
    """
    if not model.is_dir():
        raise NightjarError(
            f"{model} is missing: without it {publication_id} has recommendations for its own users only",
            code="missing_model",
            path=model,
            publication_id=publication_id,
        )
    trained = embeddings.load(model)
    items_as_of = {
        item_id: (domain, is_available)
        for item_id, domain, _, is_available in connection.execute(ITEMS_AS_OF, {"as_of": as_of}).fetchall()
    }
    domains, are_available = zip(*(items_as_of.get(each, ("", False)) for each in trained.item_ids), strict=True)
    items = pa.table(
        {
            "item_id": pa.array(trained.item_ids, pa.string()),
            "domain": pa.array(domains, pa.string()),
            "is_available": pa.array(are_available, pa.bool_()),
        }
    )
    index_of = {item_id: index for index, item_id in enumerate(trained.item_ids)}
    popular_rows = [
        {"segment": segment, "domain": domain, "item_index": index_of[item_id], "score": score}
        for segment, domain, item_id, score in connection.execute(_POPULAR, [publication_id]).fetchall()
    ]
    popular = pa.Table.from_pylist(popular_rows, _POPULAR_SCHEMA)
    sources = model_folder.mapped(model)
    return PublishedModel(
        catalogue_of(sources, items, popularity_lists(popular)), spaces_of(sources), read_user_features(model)
    )


def spaces_of(model: ModelSources) -> dict[str, Space]:
    """Return where each source of kind vectors folds users in, by its name."""
    is_trained = model.embeddings.user_sources == TRAINED
    return {
        name: Space(each.item_vectors, trained_length(each.user_vectors, is_trained))
        for name, each in model.vectors().items()
    }
