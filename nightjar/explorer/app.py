"""The script that Streamlit runs again for each click: the pages and their order."""

import streamlit as st

from nightjar.explorer import clicks_page, index_page, item_page, map_page, quality_page, runs_page, user_page

_PAGES = (
    (user_page.show, "A user", "user"),
    (item_page.show, "An item", "item"),
    (map_page.show, "Item map", "map"),
    (quality_page.show, "Quality over time", "quality"),
    (clicks_page.show, "Clicks by variant", "clicks"),
    (index_page.show, "Indices", "indices"),
    (runs_page.show, "Runs and gates", "runs"),
)


def main() -> None:
    """Draw the page of the current address."""
    st.set_page_config(page_title="Nightjar", layout="wide", initial_sidebar_state=270)
    pages = [st.Page(show, title=title, url_path=path) for show, title, path in _PAGES]
    st.navigation(pages).run()


if __name__ == "__main__":
    main()
