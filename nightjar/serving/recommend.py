"""Answers who asks for a user's lists: `nightjar recommend`, and whatever serves them further.

Reads `recs.current_publication`, `recs.recommendations` and the publication's model, and of the raw tables what the
user did since, where no run keeps the warehouse. Writes nothing.
docs/decisions/fold-in.md says who gets what.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.errors import BadInput
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.ranking.filling import PERSONAL, SOURCES
from nightjar.ranking.user_block import score_block
from nightjar.serving import published_model
from nightjar.serving.published_model import ServedModel
from nightjar.serving.user_history import UserActs, read_acts, read_built_acts
from nightjar.serving.user_vector import placed, weights_of_newest
from nightjar.warehouse.duckdb.busy_file import FileBusy
from nightjar.warehouse.engines import open_for_readers, open_without_waiting
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.readers_snapshot import written_at

FOLD_IN = "fold_in"
_CURRENT = """
    select c.publication_id, c.data_date, p.as_of
    from recs.current_publication c join recs.publications p using (ledger_id)
"""
_PUBLISHED = """
    select domain, rank, item_id, score, source, reason_item_id
    from recs.recommendations where publication_id = ? and user_id = ? order by domain, rank
"""


@dataclass(frozen=True)
class ListedItem:
    """One recommended item; the fields are the columns of `recs.recommendations`."""

    domain: str
    rank: int
    item_id: str
    score: float
    source: str
    reason_item_id: str | None


@dataclass(frozen=True)
class UserLists:
    """The lists of one user by the current publication.

    Attributes:
        user_id: who was asked for.
        publication_id: the publication that the rows or the model are of.
        data_date: its date.
        source: how the user is known: personal, fold_in, cold_user, segment_popular or popular. Rows that only fill up
            a list have another source.
        items: by domain and rank.
        left_out: in words, what could not be taken into account, and why; empty where all was.
    """

    user_id: str
    publication_id: str
    data_date: date
    source: str
    items: tuple[ListedItem, ...]
    left_out: str = ""


class UserListReader:
    """Answers for one warehouse; keeps the model of the publication that was current when it last needed one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: tuple[str, ServedModel] | None = None

    def lists_of(self, user_id: str) -> UserLists:
        """Return the lists of a user, of whom nothing has to be known.

        Raises:
            BadInput: nothing is published yet, or the id is empty.
            NightjarError: the warehouse does not answer, or the publication's model is missing or damaged.
        """
        if not user_id:
            raise BadInput("the user's id is empty", code="empty_id", user_id=user_id)
        with open_for_readers(self._settings).connect(read_only=True) as connection:
            current = connection.execute(_CURRENT).fetchone()
            if current is None:
                raise BadInput("nothing is published yet: nightjar run --date YYYY-MM-DD", code="nothing_published")
            publication_id, data_date, as_of = current
            acts, left_out = self._acts_of(connection, user_id)
            items = _published(connection, publication_id, user_id)
            if not items or (acts.last_at is not None and acts.last_at >= as_of):
                model = self._model_of(connection, publication_id, as_of)
                items = lists_by_model(model, user_id, acts, as_of, self._settings)
        return UserLists(user_id, publication_id, data_date, _source_of(items), items, left_out)

    def _acts_of(self, connection: Connection, user_id: str) -> tuple[UserActs, str]:
        unknown = self._settings.unknown_event_weight
        # The newest events are in the raw tables, which readers have no copy of; a run that writes is not waited for.
        try:
            with open_without_waiting(self._settings).connect(read_only=True) as live:
                return read_acts(live, user_id, unknown), ""
        except FileBusy as error:
            acts = read_built_acts(connection, user_id, unknown)
            return acts, f"without what they did since the facts were built, before {written_at(connection)}: {error}"

    def _model_of(self, connection: Connection, publication_id: str, as_of: datetime) -> ServedModel:
        kept = self._model
        if kept is None or kept[0] != publication_id:
            folder = RunFolder.of(self._settings.lake, publication_id)
            kept = publication_id, published_model.load(connection, folder.model, publication_id, as_of)
            self._model = kept
        return kept[1]


def lists_by_model(
    model: ServedModel, user_id: str, acts: UserActs, as_of: datetime, settings: Settings
) -> tuple[ListedItem, ...]:
    """Return the lists of a user as the publication would have them, had it known what the user did since.

    The user is known by the newest of the liked items that the model knows; without one by features; else not at all.
    Which of the items they have met may be listed again is asked at the publication's end or, where the user acted
    since, at their newest event.

    Args:
        model: of the publication.
        user_id: the user.
        acts: what is known of them.
        as_of: end of the publication's data interval.
        settings: `fold_in_items`, `top_k`, `diversity_weight`, `min_segment_users`, `repeat_after_days`.
    """
    weights = weights_of_newest(model, acts.liked, settings.fold_in_items)
    vector, known, segment = placed(model, weights, acts.features, settings.min_segment_users)
    catalogue = replace(model.catalogue, user_vectors=vector, user_known=np.array([known], np.int8))
    met = {model.item_index[each]: last_at for each, last_at in acts.seen.items() if each in model.item_index}
    seen, now = list(met), max(as_of, acts.last_at or as_of)
    users = pa.table({"user_index": [0], "user_id": [user_id], "segment": pa.array([segment], pa.string())})
    seen_rows = pa.table(
        {
            "user_index": pa.array([0] * len(seen), pa.int32()),
            "item_index": pa.array(seen, pa.int32()),
            "recency": pa.array(range(1, len(seen) + 1), pa.int32()),
            "weight": pa.array(weights[0, seen].toarray()[0] if seen else [], pa.float64()),
            "days_since": pa.array([(now - last_at).days for last_at in met.values()], pa.int32()),
        }
    )
    # One thread, as in the jobs: more would change last bits.
    with threadpool_limits(1):
        table = score_block(users, seen_rows, catalogue, settings.top_k, settings.diversity_weight, settings.repeats)
    names = [field for field in ListedItem.__dataclass_fields__ if field != "source"]
    return tuple(
        ListedItem(**{name: row[name] for name in names}, source=_as_folded(row["source"])) for row in table.to_pylist()
    )


def _published(connection: Connection, publication_id: str, user_id: str) -> tuple[ListedItem, ...]:
    rows = connection.execute(_PUBLISHED, [publication_id, user_id]).fetchall()
    return tuple(ListedItem(*row) for row in rows)


def _as_folded(source: str) -> str:
    return FOLD_IN if source == SOURCES[PERSONAL] else source


def _source_of(items: tuple[ListedItem, ...]) -> str:
    """Return the source that knows most of the user; without any item `popular`."""
    order = [SOURCES[PERSONAL], FOLD_IN, *SOURCES[1:]]
    return min((item.source for item in items), key=order.index, default=order[-1])
