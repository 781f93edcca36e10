"""Page: history and recommendations of one user."""

from collections.abc import Mapping

import streamlit as st

from nightjar.explorer import charts, users
from nightjar.explorer.warehouse_queries import QueryResult
from nightjar.explorer.widgets import choose_publication, escape_markdown, query_or_stop, show_table, stop_with_note

_EVENTS = 30
_SCORE = st.column_config.NumberColumn("Score", format="%.3f", help="Comparable within one user and source only.")
_RECOMMENDATIONS = {"rank": "Rank", "title": "Title", "source": "Source", "because_of": "Because of", "score": _SCORE}
_POPULAR = {"rank": "Rank", "title": "Title", "score": st.column_config.NumberColumn("Score", format="%.1f")}
_HISTORY = {
    "occurred_at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "event_type": "Event",
    "title": "Title",
}


def show() -> None:
    """Draw the page."""
    st.header("A user")
    publication_id = choose_publication()
    typed, chosen = st.columns([4, 5], gap="medium")
    text = typed.text_input("User id, or its beginning", key="user_text").strip()
    matches = query_or_stop(lambda connection: users.find_users(connection, publication_id, text))
    if not matches:
        _draw_unknown_user(publication_id, text)
        return
    user_id = str(chosen.container(key="user_id").selectbox(f"User ({_count(len(matches))})", matches))
    recommendations, history = query_or_stop(
        lambda connection: (
            users.recommendations_of(connection, publication_id, user_id),
            users.user_history(connection, user_id, _EVENTS),
        )
    )
    left, right = st.columns([4, 5], gap="medium")
    with left:
        _draw_history(history)
    with right:
        st.subheader("Recommended")
        _draw_by_domain(recommendations, _RECOMMENDATIONS)


def _draw_unknown_user(publication_id: str, text: str) -> None:
    st.info(
        escape_markdown(
            f"{publication_id} has no user whose id begins with {text!r}. Unknown users get the popular items."
        )
    )
    popular, history = query_or_stop(
        lambda connection: (
            users.popular_items(connection, publication_id),
            users.user_history(connection, text, _EVENTS),
        )
    )
    left, right = st.columns([4, 5], gap="medium")
    with left:
        _draw_history(history)
    with right:
        st.subheader("Popular items")
        _draw_by_domain(popular, _POPULAR)


def _draw_history(history: QueryResult) -> None:
    st.subheader("Last events")
    show_table(history, _HISTORY, "This user has no events.")


def _draw_by_domain(recommendations: QueryResult, labels: Mapping[str, object]) -> None:
    if not recommendations:
        stop_with_note("No recommendations.")
    domains = sorted(set(recommendations.column("domain")))
    for tab, domain in zip(st.tabs([escape_markdown(each) for each in domains]), domains, strict=True):
        position = recommendations.columns.index("domain")
        rows = [row for row in recommendations.rows if row[position] == domain]
        with tab:
            of_domain = QueryResult(recommendations.columns, rows)
            show_table(of_domain, labels, "No recommendations.")
            if "contributions" in of_domain.columns:
                _draw_contributions(of_domain)


def _draw_contributions(recommendations: QueryResult) -> None:
    contributions = users.contributions_of(recommendations)
    if not contributions:
        st.caption("No row has contributions: popular items have none, nor have publications of earlier versions.")
        return
    st.altair_chart(
        charts.stacked_bars(contributions, "item", "rank", "contribution", "source", "Score, by source of the model"),
        width="stretch",
    )


def _count(matches: int) -> str:
    return f"the first {matches}" if matches == users.MAX_RESULTS else f"{matches} found"
