"""Page: what became of what was shown, variant beside variant."""

import streamlit as st

from nightjar.explorer import charts, clicks
from nightjar.explorer.page_parts import answered, nothing, table

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
    domains = answered(clicks.domains_shown)
    if not domains:
        nothing(
            "Nothing is known to have been shown to anybody: raw.exposures is empty. "
            "nightjar import files --exposures F brings in what was shown; the next night joins it to the clicks."
        )
    left, _ = st.columns([1, 3])
    chosen = str(left.selectbox("Domain", [_ALL, *domains]))
    domain = "" if chosen == _ALL else chosen
    total, days, ranks = answered(
        lambda connection: (
            clicks.by_variant(connection, domain),
            clicks.by_date(connection, domain),
            clicks.by_rank(connection, domain),
        )
    )
    table(total, _LABELS, "Nothing was shown.")
    st.subheader("By day")
    st.altair_chart(charts.over_dates(days, "exposure_date", "ctr", "variant", "CTR", format="%"), width="stretch")
    st.subheader("By rank")
    st.altair_chart(charts.shares(ranks, "rank", "variant", "CTR"), width="stretch")
    st.caption(
        "Bars are Wilson's 95 % intervals, exposures taken as independent. A click counts for the day of its exposure."
    )
