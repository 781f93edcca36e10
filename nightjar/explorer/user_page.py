"""Page: what one user did, and what they are recommended because of it."""

from collections.abc import Mapping

import streamlit as st

from nightjar.explorer import users
from nightjar.explorer.page_parts import answered, chosen_publication, nothing, plain, table
from nightjar.explorer.reading import Answer

_EVENTS = 30
_SCORE = st.column_config.NumberColumn("Score", format="%.3f", help="Comparable within one user and source only.")
_LIST = {"rank": "Rank", "title": "Title", "source": "Source", "because_of": "Because of", "score": _SCORE}
_POPULAR = {"rank": "Rank", "title": "Title", "score": st.column_config.NumberColumn("Score", format="%.1f")}
_HISTORY = {
    "occurred_at": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "event_type": "Event",
    "title": "Title",
}


def show() -> None:
    """Draw the page."""
    st.header("A user")
    publication_id = chosen_publication()
    typed, chosen = st.columns([4, 5], gap="medium")
    text = typed.text_input("User id, or how it begins", key="user_text").strip()
    found = answered(lambda connection: users.users_beginning_with(connection, publication_id, text))
    if not found:
        _unknown(publication_id, text)
        return
    user_id = str(chosen.container(key="user_id").selectbox(f"User ({_count(len(found))})", found))
    lists, history = answered(
        lambda connection: (
            users.lists_of(connection, publication_id, user_id),
            users.history_of(connection, user_id, _EVENTS),
        )
    )
    left, right = st.columns([4, 5], gap="medium")
    with left:
        _history(history)
    with right:
        st.subheader("Recommended")
        _by_domain(lists, _LIST)


def _unknown(publication_id: str, text: str) -> None:
    st.info(plain(f"{publication_id} has no list of a user whose id begins with {text!r}. They get the popular items."))
    popular, history = answered(
        lambda connection: (
            users.popular_lists(connection, publication_id),
            users.history_of(connection, text, _EVENTS),
        )
    )
    left, right = st.columns([4, 5], gap="medium")
    with left:
        _history(history)
    with right:
        st.subheader("Popular")
        _by_domain(popular, _POPULAR)


def _history(history: Answer) -> None:
    st.subheader("Last events")
    table(history, _HISTORY, "The warehouse knows no event of this user.")


def _by_domain(lists: Answer, labels: Mapping[str, object]) -> None:
    if not lists:
        nothing("Nothing is listed.")
    domains = sorted(set(lists.column("domain")))
    for tab, domain in zip(st.tabs([plain(each) for each in domains]), domains, strict=True):
        place = lists.columns.index("domain")
        rows = [row for row in lists.rows if row[place] == domain]
        with tab:
            table(Answer(lists.columns, rows), labels, "Nothing is listed.")


def _count(found: int) -> str:
    return f"the first {found}" if found == users.FOUND else f"{found} found"
