"""Page: what is near to one item, in each domain."""

import streamlit as st

from nightjar.explorer import items
from nightjar.explorer.page_parts import answered, chosen_publication, nothing, plain, table
from nightjar.explorer.reading import Answer

_LABELS = {
    "rank": "Rank",
    "title": "Title",
    "similarity": st.column_config.NumberColumn("Similarity", format="%.3f", help="Cosine of the two embeddings."),
}
_COLUMNS = 3


def show() -> None:
    """Draw the page."""
    st.header("An item")
    publication_id = chosen_publication()
    typed, chosen = st.columns(2, gap="large")
    text = typed.text_input("Part of its title, or its id", key="item_text").strip()
    found = answered(lambda connection: items.items_called(connection, text))
    if not found:
        nothing(f"No item is called {text!r}." if text else "The warehouse knows no item.")
    labels = {item_id: f"{title} ({domain})" for item_id, title, domain in found.rows}
    count = f"the first {len(labels)}" if len(labels) == items.FOUND else f"{len(labels)} found"
    item_id = str(chosen.selectbox(f"Item ({count})", list(labels), format_func=lambda each: labels[each]))
    near = answered(lambda connection: items.neighbours_of(connection, publication_id, item_id))
    st.caption(plain(f"Its id is {item_id}."))
    if not near:
        nothing("It has no neighbours in this publication: it was not available, or the model knew nothing about it.")
    _draw(near)


def _draw(near: Answer) -> None:
    place = near.columns.index("target_domain")
    domains = sorted(set(near.column("target_domain")))
    for start in range(0, len(domains), _COLUMNS):
        for column, domain in zip(st.columns(_COLUMNS), domains[start : start + _COLUMNS], strict=False):
            with column:
                st.subheader(plain(domain))
                table(Answer(near.columns, [row for row in near.rows if row[place] == domain]), _LABELS, "None.")
