"""What the explorer's pages are made of: questions whose failure is told in words, publications to choose, tables."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import streamlit as st

from nightjar.contract.errors import NightjarError
from nightjar.contract.settings import load_settings
from nightjar.explorer import publications
from nightjar.explorer.reading import Answer, read
from nightjar.warehouse.protocol import Connection

T = TypeVar("T")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!~:$|<>])")
# A row of Streamlit's table is that high; longer tables scroll.
_ROW_PIXELS, _MOST_PIXELS = 35, 630


def answered(question: Callable[[Connection], T]) -> T:
    """Ask the warehouse; where that fails, say why and end the page there."""
    try:
        return read(load_settings(), question)
    except NightjarError as error:
        st.warning(plain(f"The warehouse gives no answer now. {error}"))
        st.button("Try again", key="try_again")
        st.stop()


def plain(text: str) -> str:
    """Return a text for where Streamlit reads Markdown: a name in the data must not become a link or a picture."""
    return _MARKDOWN.sub(r"\\\1", text)


def nothing(words: str) -> NoReturn:
    """Say in words that there is nothing to show, and end the page there."""
    st.info(plain(words))
    st.stop()


def chosen_publication() -> str:
    """Let the reader choose a publication, the current one first, and return its id."""
    known = answered(publications.publications)
    if not known:
        nothing("Nothing is published yet. A night makes the first publication: nightjar run --date YYYY-MM-DD")
    if moment := answered(publications.moment):
        st.sidebar.caption(plain(f"As of {moment}"))
    labels = {row[0]: _label(*row) for row in known.rows}
    return str(st.sidebar.selectbox("Publication", list(labels), format_func=lambda each: labels[each]))


def table(answer: Answer, labels: Mapping[str, Any], empty: str) -> None:
    """Show the labelled columns of an answer in the order of the labels, or the words where it has no rows.

    Args:
        answer: the rows.
        labels: column to its heading, or to one of `st.column_config`.
        empty: what an answer without rows means.
    """
    if not answer:
        st.info(empty)
        return
    columns = {name: values for name, values in answer.by_column().items() if name in labels}
    st.dataframe(
        columns,
        hide_index=True,
        width="stretch",
        height=min(_ROW_PIXELS * (len(answer.rows) + 1) + 3, _MOST_PIXELS),
        placeholder="",
        column_order=list(labels),
        column_config=dict(labels),
    )


def wrapped_table(answer: Answer, labels: Mapping[str, str], empty: str) -> None:
    """Show a small table whose long texts wrap; arguments as those of `table`."""
    if not answer:
        st.info(empty)
        return
    st.table(
        {heading: [_text(value) for value in answer.column(name)] for name, heading in labels.items()}, hide_index=True
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else plain(str(value))


def _label(publication_id: str, data_date: object, outcome: str, is_current: bool) -> str:
    if is_current:
        return f"{publication_id} (current)"
    return f"{publication_id} ({'history' if outcome == 'history' else 'earlier'})"
