"""Parts of the explorer's pages: queries that end the page where they fail, the choice of a publication, tables."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import streamlit as st

from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import load_settings
from nightjar.explorer import publications
from nightjar.explorer.warehouse_queries import QueryResult, query_warehouse
from nightjar.warehouse.protocol import Connection

T = TypeVar("T")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!~:$|<>])")
# A row of Streamlit's table is that high; longer tables scroll.
_ROW_PIXELS, _MOST_PIXELS = 35, 630


def query_or_stop(query: Callable[[Connection], T]) -> T:
    """Query the warehouse; where that fails, show the reason and end the page."""
    try:
        return query_warehouse(load_settings(), query)
    except NightjarError as error:
        st.warning(escape_markdown(f"The warehouse cannot be read now. {error}"))
        st.button("Try again", key="try_again")
        st.stop()


def escape_markdown(text: str) -> str:
    """Return a text as Markdown shows it literally: a name in the data must not become a link or a picture."""
    return _MARKDOWN.sub(r"\\\1", text)


def stop_with_note(note: str) -> NoReturn:
    """Show a note in place of data, and end the page."""
    st.info(escape_markdown(note))
    st.stop()


def choose_publication() -> str:
    """Let the reader choose a publication, the current one first, and return its id."""
    choices = query_or_stop(publications.publications)
    if not choices:
        stop_with_note("Nothing is published yet. Start a run: nightjar run --date YYYY-MM-DD")
    if snapshot_time := query_or_stop(publications.snapshot_time):
        st.sidebar.caption(escape_markdown(f"As of {snapshot_time}"))
    labels = {row[0]: _label(*row) for row in choices.rows}
    return str(st.sidebar.selectbox("Publication", list(labels), format_func=lambda each: labels[each]))


def show_table(result: QueryResult, labels: Mapping[str, Any], empty: str) -> None:
    """Show the labelled columns of a result in the order of the labels, or `empty` where it has no rows.

    Args:
        result: the rows.
        labels: column to its heading, or to one of `st.column_config`.
        empty: shown where the result has no rows.
    """
    if not result:
        st.info(empty)
        return
    columns = {name: values for name, values in result.by_column().items() if name in labels}
    st.dataframe(
        columns,
        hide_index=True,
        width="stretch",
        height=min(_ROW_PIXELS * (len(result.rows) + 1) + 3, _MOST_PIXELS),
        placeholder="",
        column_order=list(labels),
        column_config=dict(labels),
    )


def show_wrapped_table(result: QueryResult, labels: Mapping[str, str], empty: str) -> None:
    """Show a small table whose long texts wrap; arguments as those of `table`."""
    if not result:
        st.info(empty)
        return
    st.table(
        {heading: [_text(value) for value in result.column(name)] for name, heading in labels.items()}, hide_index=True
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else escape_markdown(str(value))


def _label(publication_id: str, data_date: object, outcome: str, is_current: bool) -> str:
    if is_current:
        return f"{publication_id} (current)"
    return f"{publication_id} ({'history' if outcome == 'history' else 'earlier'})"
