"""Page: clicks and conversions of the exposures, by variant."""

import streamlit as st

from nightjar.explorer import charts, clicks
from nightjar.explorer.widgets import query_or_stop, show_table, stop_with_note

_ALL = "all domains"
_LABELS = {
    "variant": "Variant",
    "exposures": st.column_config.NumberColumn("Exposures", format="localized"),
    "clicks": st.column_config.NumberColumn("Clicks", format="localized"),
    "ctr": st.column_config.NumberColumn("CTR", format="percent"),
    "ctr_low": st.column_config.NumberColumn("CTR, from", format="percent", help="Wilson's 95 % interval."),
    "ctr_high": st.column_config.NumberColumn("CTR, to", format="percent", help="Wilson's 95 % interval."),
    "conversions": st.column_config.NumberColumn("Conversions", format="localized"),
}


def show() -> None:
    """Draw the page."""
    st.header("Clicks by variant")
    domains = query_or_stop(clicks.exposed_domains)
    if not domains:
        stop_with_note(
            "No exposures: raw.exposures is empty. "
            "Import them with nightjar import files --exposures F; the next run attributes the clicks."
        )
    left, _ = st.columns([1, 3])
    chosen = str(left.selectbox("Domain", [_ALL, *domains]))
    domain = "" if chosen == _ALL else chosen
    total, days, ranks = query_or_stop(
        lambda connection: (
            clicks.by_variant(connection, domain),
            clicks.by_date(connection, domain),
            clicks.by_rank(connection, domain),
        )
    )
    show_table(total, _LABELS, "No exposures in this domain.")
    st.subheader("By day")
    st.altair_chart(charts.over_dates(days, "exposure_date", "ctr", "variant", "CTR", format="%"), width="stretch")
    st.subheader("By rank")
    st.altair_chart(charts.rates_with_intervals(ranks, "rank", "variant", "CTR"), width="stretch")
    st.caption(
        "Bars are Wilson's 95 % intervals, exposures taken as independent. A click counts on the day of its exposure."
    )
