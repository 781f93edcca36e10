"""What the demo shop shows on a later day, by variant: recommendations of a publication, or its popular items."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from nightjar.importers.demo_shop.exposures import LIST_LENGTH, VARIANTS
from nightjar.warehouse.protocol import Connection

_PUBLICATION = """
    select publication_id from recs.publications
    where action in ('published', 'history') and data_date < ? order by data_date desc, ledger_id desc limit 1
"""
_RECOMMENDATIONS = """
    select user_id, domain, item_id from recs.recommendations where publication_id = ? order by user_id, domain, rank
"""
_POPULAR = """
    select domain, item_id from recs.popular_items
    where publication_id = ? and segment = 'all' order by domain, rank
"""
_SEEN = "select distinct user_id, item_id from raw.interactions where occurred_at < ?"

TopKLists = Mapping[Any, list[str]]


@dataclass(frozen=True)
class ServedRecommendations:
    """One publication as the shop serves it, by user and domain, with the items that users had seen before that day."""

    publication_id: str
    personal: TopKLists
    popular: TopKLists
    seen: Mapping[str, set[str]]

    def shown_to(self, user_id: str, domain: str) -> list[str]:
        """Return the items that a user sees, in order: those of the user's variant that the user has not seen."""
        items = self.popular[domain]
        if variant_of(user_id) == VARIANTS[1]:
            items = self.personal.get((user_id, domain), items)
        return [item for item in items if item not in self.seen[user_id]][:LIST_LENGTH]


def variant_of(user_id: str) -> str:
    """Return the variant of a user by a hash of the id, so that it never changes."""
    return VARIANTS[hashlib.sha256(user_id.encode()).digest()[0] % 2]


def publication_before(connection: Connection, day: date) -> str | None:
    """Return the last publication of the newest data date before a day, which the day is served from."""
    found = connection.execute(_PUBLICATION, [day]).fetchone()
    return None if found is None else str(found[0])


def read_recommendations(connection: Connection, publication_id: str, before: datetime) -> ServedRecommendations:
    """Read a publication, and the items that users had seen before an instant."""
    personal, popular, seen = defaultdict(list), defaultdict(list), defaultdict(set)
    for user_id, domain, item_id in connection.execute(_RECOMMENDATIONS, [publication_id]).fetchall():
        personal[user_id, domain].append(item_id)
    for domain, item_id in connection.execute(_POPULAR, [publication_id]).fetchall():
        popular[domain].append(item_id)
    for user_id, item_id in connection.execute(_SEEN, [before]).fetchall():
        seen[user_id].add(item_id)
    return ServedRecommendations(publication_id, dict(personal), popular, seen)
