"""Page: the neighbours of one item, by the published embeddings in each domain and by each kind of vector it has."""

from datetime import datetime
from typing import NamedTuple

import streamlit as st

from nightjar.explorer import item_vectors, items
from nightjar.explorer.item_vectors import ItemVectors
from nightjar.explorer.warehouse_queries import QueryResult
from nightjar.explorer.widgets import choose_publication, escape_markdown, query_or_stop, show_table, stop_with_note
from nightjar.warehouse.protocol import Connection

# Pixels: three tables stand side by side, and the cosine is in sight.
_LABELS = {
    "rank": st.column_config.NumberColumn("Rank", width=45),
    "title": st.column_config.TextColumn("Title", width=140),
    "similarity": st.column_config.NumberColumn(
        "Similarity", format="%.3f", width=75, help="Cosine of the two vectors."
    ),
}
_COLUMNS = 3
_NEIGHBOURS = 10


class Neighbours(NamedTuple):
    """One table of the page: the name of its domain or kind, what it is made of, and its rows."""

    name: str
    made_of: str
    rows: QueryResult


def show() -> None:
    """Draw the page."""
    st.header("An item")
    publication_id = choose_publication()
    typed, chosen = st.columns(2, gap="large")
    text = typed.text_input("Part of the title, or the id", key="item_text").strip()
    matches = query_or_stop(lambda connection: items.find_items(connection, text))
    if not matches:
        stop_with_note(f"No item matches {text!r}." if text else "The warehouse has no items.")
    labels = {item_id: f"{title} ({domain})" for item_id, title, domain in matches.rows}
    count = f"the first {len(labels)}" if len(labels) == items.MAX_RESULTS else f"{len(labels)} found"
    item_id = str(chosen.selectbox(f"Item ({count})", list(labels), format_func=lambda each: labels[each]))
    similar, vectors = query_or_stop(
        lambda connection: (
            items.similar_items(connection, publication_id, item_id),
            item_vectors.vectors_of_item(connection, publication_id, item_id),
        )
    )
    st.caption(escape_markdown(f"Item id: {item_id}"))
    if not similar:
        st.info("This publication has no similar items for it: it was not available, or has no embedding.")
    neighbours = _by_domain(similar)
    if vectors:
        neighbours += query_or_stop(lambda connection: _by_kind(connection, publication_id, item_id, vectors))
    _draw_side_by_side(neighbours)
    if vectors:
        st.caption(
            "By vectors: the nearest of all domains, found by comparing all vectors. The versions are those that a run "
            "of this publication's data interval reads: recorded before its end."
        )


def _by_domain(similar: QueryResult) -> list[Neighbours]:
    position = similar.columns.index("target_domain")
    return [
        Neighbours(
            domain,
            "by the published embeddings",
            QueryResult(similar.columns, [row for row in similar.rows if row[position] == domain]),
        )
        for domain in sorted(set(similar.column("target_domain")))
    ]


def _by_kind(connection: Connection, publication_id: str, item_id: str, vectors: QueryResult) -> list[Neighbours]:
    states = {each.name: each.state for each in item_vectors.spaces(connection, publication_id)}
    found = []
    for kind, dimension, recorded_at in vectors.rows:
        nearest = item_vectors.nearest(_all_of(connection, publication_id, kind, states[kind]), item_id, _NEIGHBOURS)
        made_of = f"by its vector of {dimension:,} numbers, {_recorded(recorded_at)}"
        found.append(Neighbours(kind, made_of, items.with_titles(connection, nearest)))
    return found


def _recorded(at: datetime) -> str:
    # A vector that is imported without a time is valid from the start: from 1970.
    return f"recorded {at:%Y-%m-%d %H:%M} UTC" if at.timestamp() > 0 else "recorded without a time"


# Of a kind that many items have, reading the vectors takes seconds.
@st.cache_resource(max_entries=4, show_spinner=False)
def _all_of(_connection: Connection, publication_id: str, kind: str, state: str) -> ItemVectors:
    return item_vectors.read_vectors(_connection, publication_id, kind)


def _draw_side_by_side(neighbours: list[Neighbours]) -> None:
    beside = max(2, min(_COLUMNS, len(neighbours)))
    for start in range(0, len(neighbours), beside):
        for column, each in zip(st.columns(beside), neighbours[start : start + beside], strict=False):
            with column:
                st.subheader(escape_markdown(each.name))
                st.caption(escape_markdown(each.made_of))
                show_table(each.rows, _LABELS, "None.")
