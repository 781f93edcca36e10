"""The items of a run by domain, and the popularity lists."""

import numpy as np
import pyarrow as pa
import pytest

from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.artifacts.sources import ItemScores, Source, VectorSource
from nightjar.ranking.catalogue import popularity_lists
from tests.support.small_models import embeddings_of, popularity_list, small_catalogue

# Item 2 has no vector, 3 is unknown, 4 no longer available.
TRAINED = embeddings_of([[1, 0]], [[3, 4], [0, 2], [0, 0], [1, 1], [1, 1], [5, 0]], item_sources=[2, 1, 2, 0, 2, 2])
DOMAINS = ["films", "films", "films", "films", "films", "books"]
POPULAR = {"films": {"all": [(1, 3.0), (0, 2.0)], "job:x": [(0, 1.0)]}, "books": {"all": [(5, 1.0)]}}


def test_candidates_are_available_and_known_and_neighbours_have_a_direction_too() -> None:
    items = small_catalogue(TRAINED, POPULAR, domains=DOMAINS, is_available=[True] * 4 + [False, True])
    assert [each.name for each in items.domains] == ["books", "films"]
    films = items.domains[1]
    assert films.candidates.tolist() == [0, 1, 2]
    assert films.neighbours.tolist() == [0, 1]
    assert sorted(films.popular) == ["all", "job:x"]
    assert items.units[:4] == pytest.approx(np.array([[0.6, 0.8], [0, 1], [0, 0], [0, 0]]))


def test_each_item_has_the_position_of_its_domain_and_one_of_no_listed_domain_has_none() -> None:
    # The only song is not available, so that songs are no domain of the catalogue.
    domains = ["films", "books", "songs", "films", "films", "books"]
    items = small_catalogue(TRAINED, POPULAR, domains=domains, is_available=[True, True, False, False, True, True])
    assert [each.name for each in items.domains] == ["books", "films"]
    assert items.item_domains.tolist() == [1, 0, -1, 1, 1, 0]


def test_user_vectors_are_those_of_the_sources_of_vectors_that_rank() -> None:
    vectors = [np.full(size, 7, np.float32) for size in ((1, 3), (6, 3), 6)]
    items = small_catalogue(
        TRAINED,
        POPULAR,
        Source("other", 0.5, VectorSource(*vectors)),
        Source("popular", 0.1, ItemScores(np.zeros(6, np.float32))),
        Source("resting", 0.0, VectorSource(*vectors)),
        domains=DOMAINS,
    )
    assert {name: each.tolist() for name, each in items.user_vectors.items()} == {
        LIGHTFM: [[1, 0]],
        "other": [[7, 7, 7]],
    }


def test_among_some_items_candidates_neighbours_and_popularity_lists_have_no_others() -> None:
    is_candidate = np.array([False, True, True, True, True, False])
    books, films = small_catalogue(TRAINED, POPULAR, domains=DOMAINS).among(is_candidate).domains
    assert (films.candidates.tolist(), films.neighbours.tolist()) == ([1, 2, 4], [1, 4])
    assert {segment: each.items.tolist() for segment, each in films.popular.items()} == {"all": [1], "job:x": []}
    assert films.popular["all"].scores.tolist() == [3.0]
    assert (books.candidates.tolist(), books.popular["all"].items.tolist()) == ([], [])


def test_popularity_lists_keep_the_order_of_the_rows_whatever_lies_between() -> None:
    rows = [
        ("all", "films", 4, 9.0),
        ("all", "books", 2, 8.0),
        ("job:x", "films", 1, 7.0),
        ("all", "films", 1, 9.0),
        ("all", "films", 0, 1.0),
    ]
    names = ("segment", "domain", "item_index", "score")
    table = pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
    lists = popularity_lists(table)
    found = {
        (domain, segment): (each.items.tolist(), each.scores.tolist())
        for domain, of_domain in lists.items()
        for segment, each in of_domain.items()
    }
    assert found == {
        ("films", "all"): ([4, 1, 0], [9.0, 9.0, 1.0]),
        ("films", "job:x"): ([1], [7.0]),
        ("books", "all"): ([2], [8.0]),
    }
    # Rows in several chunks, as a data set of several files has them.
    chunked = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    assert sorted(popularity_lists(chunked)) == ["books", "films"]
    assert popularity_lists(chunked)["films"]["all"].items.tolist() == [4, 1, 0]


def test_no_rows_are_no_lists() -> None:
    types = {"segment": pa.string(), "domain": pa.string(), "item_index": pa.int32(), "score": pa.float64()}
    assert popularity_lists(pa.table({name: pa.array([], kind) for name, kind in types.items()})) == {}


def test_positions_of_items_in_a_popularity_list() -> None:
    listed = popularity_list([(7, 3.0), (2, 2.0), (9, 1.0)])
    assert listed.positions_of(np.array([9, 7, 1, 2, 10])).tolist() == [2, 0, -1, 1, -1]
    assert popularity_list([]).positions_of(np.array([9])).tolist() == [-1]
