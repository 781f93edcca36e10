"""Page: metrics of the model by date, beside popularity and the refit of the champion."""

import streamlit as st

from nightjar.explorer import charts, quality
from nightjar.explorer.widgets import query_or_stop, show_table, stop_with_note

_LABELS = {
    "data_date": "Date",
    "publication_id": "Publication",
    "model": "Model",
    "value": st.column_config.NumberColumn("Value", format="%.4f"),
    "users": "Users",
}
_FIRST = {"metric": "recall", "slice": "all"}


def show() -> None:
    """Draw the page."""
    st.header("Quality over time")
    available = query_or_stop(quality.available_metrics)
    if not available:
        stop_with_note("No run has been evaluated yet: nightjar run --date YYYY-MM-DD")
    left, right, _ = st.columns([1, 1, 2])
    metrics = sorted({(metric, k) for metric, _slice, k in available.rows})
    metric, k = left.selectbox("Metric", metrics, index=_index_of(metrics, ("recall", 0)), format_func=_name)
    slices = sorted({each for name, each, cut in available.rows if (name, cut) == (metric, k)})
    of_slice = str(right.selectbox("Users", slices, index=_index_of([(each,) for each in slices], ("all",))))
    values, of_sources = query_or_stop(
        lambda connection: (
            quality.metric_over_time(connection, metric, of_slice, k),
            quality.sources_over_time(connection, metric, of_slice, k),
        )
    )
    st.altair_chart(charts.over_dates(values, "data_date", "value", "model", _name((metric, k))), width="stretch")
    st.caption("Each date shows its last publication. All models of a date are evaluated on the same holdout.")
    show_table(values, _LABELS, "No publication has this metric.")
    if of_sources:
        st.subheader("Each source of the model alone")
        st.altair_chart(
            charts.over_dates(of_sources, "data_date", "value", "model", _name((metric, k))), width="stretch"
        )
        st.caption("What the lists of one source would reach, on a sample of the users.")
        show_table(of_sources, _LABELS | {"model": "Source"}, "No publication has this metric.")


def _name(metric: tuple[str, int]) -> str:
    return f"{metric[0].replace('_', ' ')}@{metric[1]}" if metric[1] else metric[0].replace("_", " ")


def _index_of(options: list[tuple[str, int]] | list[tuple[str]], wanted: tuple[str, ...] | tuple[str, int]) -> int:
    return next((position for position, each in enumerate(options) if each[0] == wanted[0]), 0)
