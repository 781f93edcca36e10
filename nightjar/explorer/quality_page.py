"""Page: how good the model was, date by date, beside popularity and the champion's recipe."""

import streamlit as st

from nightjar.explorer import charts, quality
from nightjar.explorer.page_parts import answered, nothing, table

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
    known = answered(quality.measured)
    if not known:
        nothing("No night has been evaluated yet: nightjar run --date YYYY-MM-DD")
    left, right, _ = st.columns([1, 1, 2])
    metrics = sorted({(metric, k) for metric, _slice, k in known.rows})
    metric, k = left.selectbox("Metric", metrics, index=_place(metrics, ("recall", 0)), format_func=_name)
    slices = sorted({each for name, each, cut in known.rows if (name, cut) == (metric, k)})
    of_slice = str(right.selectbox("Users", slices, index=_place([(each,) for each in slices], ("all",))))
    found = answered(lambda connection: quality.metric_over_time(connection, metric, of_slice, k))
    st.altair_chart(charts.over_dates(found, "data_date", "value", "model", _name((metric, k))), width="stretch")
    st.caption("Each date shows its last publication. All models of a date are judged on the same holdout.")
    table(found, _LABELS, "No publication has this figure.")


def _name(metric: tuple[str, int]) -> str:
    return f"{metric[0].replace('_', ' ')}@{metric[1]}" if metric[1] else metric[0].replace("_", " ")


def _place(known: list[tuple[str, int]] | list[tuple[str]], wanted: tuple[str, ...] | tuple[str, int]) -> int:
    return next((place for place, each in enumerate(known) if each[0] == wanted[0]), 0)
