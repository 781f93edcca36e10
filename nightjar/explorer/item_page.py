"""Page: the similar items of one item, in each domain."""

import streamlit as st

from nightjar.explorer import items
from nightjar.explorer.warehouse_queries import QueryResult
from nightjar.explorer.widgets import choose_publication, escape_markdown, query_or_stop, show_table, stop_with_note

_LABELS = {
    "rank": "Rank",
    "title": "Title",
    "similarity": st.column_config.NumberColumn("Similarity", format="%.3f", help="Cosine of the two embeddings."),
}
_COLUMNS = 3


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
    similar = query_or_stop(lambda connection: items.similar_items(connection, publication_id, item_id))
    st.caption(escape_markdown(f"Item id: {item_id}"))
    if not similar:
        stop_with_note("This publication has no similar items for it: it was not available, or has no embedding.")
    _draw_by_domain(similar)


def _draw_by_domain(similar: QueryResult) -> None:
    position = similar.columns.index("target_domain")
    domains = sorted(set(similar.column("target_domain")))
    for start in range(0, len(domains), _COLUMNS):
        for column, domain in zip(st.columns(_COLUMNS), domains[start : start + _COLUMNS], strict=False):
            with column:
                st.subheader(escape_markdown(domain))
                show_table(
                    QueryResult(similar.columns, [row for row in similar.rows if row[position] == domain]),
                    _LABELS,
                    "None.",
                )
