"""Page: recall of the indices against exact search, and their latency."""

import streamlit as st

from nightjar.explorer import charts, quality
from nightjar.explorer.widgets import query_or_stop, show_table, stop_with_note

_LABELS = {
    "data_date": "Date",
    "publication_id": "Publication",
    "index_name": "Index",
    "item_count": st.column_config.NumberColumn("Items", format="localized"),
    "recall_k": "k",
    "recall": st.column_config.NumberColumn("Recall@k", format="%.4f"),
    "latency_p50_ms": st.column_config.NumberColumn("Median", format="%.3f ms"),
    "latency_p95_ms": st.column_config.NumberColumn("95th percentile", format="%.3f ms"),
    "ef": "ef",
    "m": "M",
    "dim": "Dimension",
}


def show() -> None:
    """Draw the page."""
    st.header("Indices")
    indices = query_or_stop(quality.indices)
    if not indices:
        stop_with_note("No index has been published yet.")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Recall against exact search")
        st.altair_chart(
            charts.over_dates(indices, "data_date", "recall", "index_name", "recall@k", from_zero=False),
            width="stretch",
        )
    with right:
        st.subheader("Latency, 95th percentile")
        st.altair_chart(
            charts.over_dates(indices, "data_date", "latency_p95_ms", "index_name", "milliseconds"), width="stretch"
        )
    show_table(indices, _LABELS, "No index has been published yet.")
    st.caption("retrieval: items for a user; similarity: items for an item. Each date shows its last publication.")
