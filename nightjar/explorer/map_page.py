"""Page: the items of a publication as points, near each other where their vectors are."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ml.evaluation.item_labels import item_labels
from ml.evaluation.item_map import item_map as placed
from nightjar.contract.settings import load_settings
from nightjar.explorer import charts, item_map, item_vectors
from nightjar.explorer.item_vectors import EMBEDDINGS, ItemVectors, Space
from nightjar.explorer.widgets import choose_publication, escape_markdown, query_or_stop, stop_with_note
from nightjar.warehouse.protocol import Connection

_SPACES = {EMBEDDINGS: "published embeddings"}
_COLOURS = {item_map.DOMAIN: "domain"}


def show() -> None:
    """Draw the page."""
    st.header("Item map")
    publication_id = choose_publication()
    spaces, kinds = query_or_stop(
        lambda connection: (
            item_vectors.spaces(connection, publication_id),
            item_map.feature_kinds(connection, publication_id),
        )
    )
    if not spaces:
        stop_with_note(
            "This publication has no vectors to show: its items have none of their own, and its embeddings are not "
            "here. With DuckDB, readers have the embeddings of the current publication only."
        )
    left, right = st.columns(2, gap="large")
    by_name = {each.name: each for each in spaces}
    space = by_name[
        str(left.selectbox("Vectors", list(by_name), format_func=lambda each: _SPACES.get(each, each), key="map_space"))
    ]
    colour = str(
        right.selectbox(
            "Colour", [item_map.DOMAIN, *kinds], format_func=lambda each: _COLOURS.get(each, each), key="map_colour"
        )
    )
    sample = query_or_stop(lambda connection: _sample(connection, publication_id, space.name, space.state))
    coordinates = _coordinates(publication_id, space.name, space.state, sample.vectors)
    titles, values = query_or_stop(
        lambda connection: (item_map.titles(connection), item_map.values_of(connection, publication_id, colour))
    )
    labels, colours = item_labels(sample.item_ids, values)
    points = item_map.points(sample.item_ids, coordinates.tolist(), labels, titles)
    st.caption(escape_markdown(_caption(publication_id, space, sample)))
    st.altair_chart(charts.item_map(points, colours, _COLOURS.get(colour, colour)), width="content")
    if colour != item_map.DOMAIN:
        st.caption("An item with several values has the colour of its rarest, of those with most weight.")


@st.cache_resource(max_entries=4, show_spinner=False)
def _sample(_connection: Connection, publication_id: str, space: str, state: str) -> ItemVectors:
    return item_vectors.read_sample(_connection, publication_id, space, item_map.MAX_ITEMS)


# Once a publication and space; colours are chosen without it.
@st.cache_data(max_entries=32, show_spinner="Placing the items. Ten thousand take half a minute, once a publication.")
def _coordinates(publication_id: str, space: str, state: str, _vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return placed(_vectors, load_settings().seed)


def _caption(publication_id: str, space: Space, sample: ItemVectors) -> str:
    name = _SPACES.get(space.name, f"vectors of kind {space.name}")
    shown = len(sample.item_ids)
    count = f"{shown:,} items" if shown == space.items else f"{shown:,} of {space.items:,} items, drawn at random"
    return (
        f"{publication_id}: {count}, by their {name} ({sample.vectors.shape[1]} numbers each), "
        "placed by t-SNE of cosines. "
        "Items that lie close are alike; directions, and distances between groups, have no meaning. "
        f"Point at an item to see its title; the wheel zooms."
    )
