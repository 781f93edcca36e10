"""Recommendations for one user as of now: for `nightjar recommend` and for programs that serve them.

Reads `recs.current_publication`, `recs.recommendations` and the publication's model, and newer events from the raw
tables unless a run holds the warehouse. Writes nothing.
docs/decisions/fold-in.md says which user gets what.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.ranking.recommendation_rows import recommend_to_block
from nightjar.ranking.top_k_lists import PERSONAL, SOURCES
from nightjar.serving.published_model import PublishedModel, load_published_model
from nightjar.serving.user_history import UserHistory, read_built_history, read_history
from nightjar.serving.user_vector import history_of_newest, locate_user
from nightjar.warehouse.duckdb.busy_file import FileBusy
from nightjar.warehouse.engines import open_for_readers, open_without_waiting
from nightjar.warehouse.protocol import Connection, has_column
from nightjar.warehouse.readers_snapshot import written_at

FOLD_IN = "fold_in"
_CURRENT = """
    select c.publication_id, c.data_date, p.as_of
    from recs.current_publication c join recs.publications p using (ledger_id)
"""
_PUBLISHED = """
    select domain, rank, item_id, score, source, reason_item_id, {contributions}
    from recs.recommendations where publication_id = ? and user_id = ? order by domain, rank
"""


@dataclass(frozen=True)
class RecommendedItem:
    """One recommended item; the fields are the columns of `recs.recommendations`.

    `contributions` is JSON, what each source of the model added to the score; None: the item is a popular one, or an
    earlier version published it.
    """

    domain: str
    rank: int
    item_id: str
    score: float
    source: str
    reason_item_id: str | None
    contributions: str | None


@dataclass(frozen=True)
class UserRecommendations:
    """The recommendations for one user by the current publication.

    Attributes:
        user_id: the user.
        publication_id: the publication of the rows or of the model.
        data_date: its date.
        source: of the user's recommendations: personal, fold_in, cold_user, segment_popular or popular. Popular items
            that fill up a list have a source of their own.
        items: by domain and rank.
        not_considered: in words, which data could not be read, and why; empty where all was.
    """

    user_id: str
    publication_id: str
    data_date: date
    source: str
    items: tuple[RecommendedItem, ...]
    not_considered: str = ""


class RecommendationReader:
    """Reads or computes recommendations from one warehouse; caches the model of the last publication that it used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: tuple[str, PublishedModel] | None = None

    def recommendations_for(self, user_id: str) -> UserRecommendations:
        """Return the recommendations for a user, known or not.

        Raises:
            BadInput: nothing is published yet, or the id is empty.
            NightjarError: the warehouse cannot be read, or the publication's model is missing or damaged.
        """
        if not user_id:
            raise BadInput("the user's id is empty", code="empty_id", user_id=user_id)
        with open_for_readers(self._settings).connect(read_only=True) as connection:
            current = connection.execute(_CURRENT).fetchone()
            if current is None:
                raise BadInput("nothing is published yet: nightjar run --date YYYY-MM-DD", code="nothing_published")
            publication_id, data_date, as_of = current
            history, not_considered = self._history_of(connection, user_id)
            items = _published(connection, publication_id, user_id)
            if not items or (history.last_at is not None and history.last_at >= as_of):
                model = self._model_of(connection, publication_id, as_of)
                items = recommendations_by_model(model, user_id, history, as_of, self._settings)
        return UserRecommendations(user_id, publication_id, data_date, _source_of(items), items, not_considered)

    def _history_of(self, connection: Connection, user_id: str) -> tuple[UserHistory, str]:
        unknown = self._settings.unknown_event_weight
        # Only the raw tables have the newest events, and readers have no copy of them. A run that writes blocks them.
        try:
            with open_without_waiting(self._settings).connect(read_only=True) as live:
                return read_history(live, user_id, unknown), ""
        except FileBusy as error:
            history = read_built_history(connection, user_id, unknown)
            return history, f"without events since the facts were built, before {written_at(connection)}: {error}"

    def _model_of(self, connection: Connection, publication_id: str, as_of: datetime) -> PublishedModel:
        cached = self._model
        if cached is None or cached[0] != publication_id:
            folder = RunFolder.of(self._settings.lake, publication_id)
            cached = publication_id, load_published_model(connection, folder.model, publication_id, as_of)
            self._model = cached
        return cached[1]


def recommendations_by_model(
    model: PublishedModel, user_id: str, history: UserHistory, as_of: datetime, settings: Settings
) -> tuple[RecommendedItem, ...]:
    """Return the recommendations that the publication would have, had it seen the user's newer events.

    The user's vector comes from the newest of their liked items that the model knows; without one from features; else
    the user is unknown. Which seen items may be recommended again is decided as of the publication's end or, where the
    user has newer events, as of the newest.

    Args:
        model: of the publication.
        user_id: the user.
        history: of the user.
        as_of: end of the publication's data interval.
        settings: `fold_in_items`, `top_k`, `diversity_weight`, `min_segment_users`, `repeat_after_days`.
    """
    own = history_of_newest(model, history.liked, settings.fold_in_items)
    vectors, source, segment = locate_user(model, own.weights, history.features, settings.min_segment_users)
    catalogue = replace(model.catalogue, user_vectors=vectors, user_sources=np.array([source], np.int8))
    seen_at = {model.item_index[each]: last_at for each, last_at in history.seen.items() if each in model.item_index}
    seen, now = list(seen_at), max(as_of, history.last_at or as_of)
    users = pa.table({"user_index": [0], "user_id": [user_id], "segment": pa.array([segment], pa.string())})
    seen_rows = pa.table(
        {
            "user_index": pa.array([0] * len(seen), pa.int32()),
            "item_index": pa.array(seen, pa.int32()),
            "recency": pa.array(range(1, len(seen) + 1), pa.int32()),
            "weight": pa.array(own.weights[0, seen].toarray()[0] if seen else [], pa.float64()),
            "newest_rank": pa.array(own.newest_ranks[0, seen].toarray()[0] if seen else [], pa.float64()),
            "days_since": pa.array([(now - last_at).days for last_at in seen_at.values()], pa.int32()),
        }
    )
    # One thread, as in the Spark job: more would change last bits.
    with threadpool_limits(1):
        table = recommend_to_block(
            users, seen_rows, catalogue, settings.top_k, settings.diversity_weight, settings.repeats
        )
    names = [field for field in RecommendedItem.__dataclass_fields__ if field != "source"]
    return tuple(
        RecommendedItem(**{name: row[name] for name in names}, source=_as_folded(row["source"]))
        for row in table.to_pylist()
    )


def _published(connection: Connection, publication_id: str, user_id: str) -> tuple[RecommendedItem, ...]:
    # An earlier version made the table without the column; the next run adds it.
    is_there = has_column(connection, "recs.recommendations", "contributions")
    query = _PUBLISHED.format(contributions="contributions" if is_there else "null")
    rows = connection.execute(query, [publication_id, user_id]).fetchall()
    return tuple(RecommendedItem(*row) for row in rows)


def _as_folded(source: str) -> str:
    return FOLD_IN if source == SOURCES[PERSONAL] else source


def _source_of(items: tuple[RecommendedItem, ...]) -> str:
    """Return the most personal source of the items; without any item `popular`."""
    order = [SOURCES[PERSONAL], FOLD_IN, *SOURCES[1:]]
    return min((item.source for item in items), key=order.index, default=order[-1])
