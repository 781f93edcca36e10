"""Prefixes of sessions, the metrics of their next clicks, and the peers, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.quality.sessions.clicks import (
    Clicks,
    Prefixes,
    evaluate_next_clicks,
    prefixes_of,
    read_clicks,
    without_last_day,
)
from benchmarks.quality.sessions.peers import decayed, v_sknn
from benchmarks.quality.sessions.session_lists import items_of, recency_of
from nightjar.contract.artifacts.model_folder import ModelSources
from nightjar.contract.artifacts.sources import ItemWeights, Source
from nightjar.serving.published_model import PublishedModel, spaces_of
from tests.support.small_models import csr, embeddings_of, small_catalogue

ITEMS = np.array(["a", "b", "c", "d"], object)


def clicks(*sessions: list[int], seconds: list[float] | None = None) -> Clicks:
    """One click a second."""
    items = [item for session in sessions for item in session]
    numbers = [number for number, session in enumerate(sessions) for _ in session]
    times = np.arange(len(items), dtype=float) if seconds is None else np.array(seconds)
    return Clicks(ITEMS, np.array(items), np.array(numbers), times)


def test_clicks_stand_by_session_and_time_and_unknown_items_have_no_number(tmp_path) -> None:
    header = "SessionId\tItemId\tTime\n"
    (tmp_path / "train.tsv").write_text(header + "9\t30\t5.5\n2\t20\t8\n9\t20\t4\n")
    (tmp_path / "test.tsv").write_text(header + "1\t30\t9\n1\t40\t9\n1\t20\t9\n")
    train, test = read_clicks(tmp_path)
    assert train.item_ids.tolist() == ["20", "30"]
    assert (train.items.tolist(), train.sessions.tolist()) == ([0, 0, 1], [0, 1, 1])
    # Clicks of one time keep the order of the file.
    assert test.items.tolist() == [1, -1, 0]


def test_each_click_after_the_first_has_a_prefix_newest_first() -> None:
    prefixes = prefixes_of(clicks([0, 1, 0], [2], [3, 3]))
    assert prefixes.targets.tolist() == [1, 0, 3]
    assert prefixes.sessions.tolist() == [0, 0, 2]
    assert prefixes.histories[:, :3].tolist() == [[0, -1, -1], [1, 0, -1], [3, -1, -1]]


def test_the_window_are_the_sessions_that_began_in_the_last_day() -> None:
    some = clicks([0, 1], [2, 3], seconds=[0, 90_000, 10_000, 96_000])
    before, window = without_last_day(some)
    assert (before.items.tolist(), window.items.tolist()) == ([0, 1], [2, 3])


def test_a_hit_counts_by_its_rank_and_an_unknown_item_misses() -> None:
    lists = np.array([[2, 0, -1], [1, 3, 0], [-1, -1, -1], [3, 1, 2]])
    prefixes = Prefixes(np.full((4, 1), -1), np.array([0, 1, -1, 0]), np.array([5, 5, 6, 8]))
    figures = evaluate_next_clicks(lists, prefixes)
    assert figures["hit_rate"] == pytest.approx(2 / 4)
    assert figures["mrr"] == pytest.approx((1 / 2 + 1) / 4)
    assert figures["by_session"] == {"hit_rate": [2, 0, 0], "mrr": [1.5, 0, 0]}
    assert (figures["listed"], figures["prefixes"]) == (4, 4)


def test_an_item_clicked_again_adds_up_and_unknown_ones_keep_their_place() -> None:
    history = decayed(np.array([[1, -1, 1, 0]]), 2.0, 3).toarray()[0]
    assert history == pytest.approx([np.exp(-1.5), 1 + np.exp(-1), 0])


def test_v_sknn_ranks_by_similar_sessions_weighed_by_the_newest_item_they_share() -> None:
    # The history b, then a: a weighs 1, b 1/2. Session 0 shares both: 1.5 times a step of 1; session 1 shares b alone:
    # 0.5 times a step of 0.9; session 2 shares nothing.
    train = clicks([0, 1, 2], [1, 3], [3])
    scores = v_sknn(train, 10)(10, 0.0)(np.array([[0, 1, -1, -1]]))
    assert scores[0] == pytest.approx([1.5, 1.5 + 0.45, 1.5, 0.45])
    # Of the one nearest, and of the one newest.
    assert v_sknn(train, 10)(1, 0.0)(np.array([[0, 1, -1]]))[0] == pytest.approx([1.5, 1.5, 1.5, 0])
    assert v_sknn(train, 1)(10, 0.0)(np.array([[0, 1, -1]]))[0] == pytest.approx([0, 0.45, 0, 0.45])
    # Items a and c are in one of three sessions, b and d in two.
    rare = v_sknn(train, 10)(10, 1.0)(np.array([[0, 1, -1]]))[0]
    assert rare[[0, 1]] == pytest.approx([1.5 * (1 + np.log(3)), 1.95 * (1 + np.log(3 / 2))])


def test_sessions_are_ranked_as_requests_are_but_may_repeat_their_items() -> None:
    trained = embeddings_of(np.ones((1, 1)), [[1], [2], [3], [0]], item_sources=[2, 2, 2, 0])
    weights = csr([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    others = (Source("ease", 0.5, ItemWeights(weights)),)
    catalogue = small_catalogue(trained, {"films": {"all": [(3, 5.0)]}}, *others)
    model = PublishedModel(catalogue, spaces_of(ModelSources(trained, others)), None)
    lists = items_of(model, np.array([["i0"], ["x"]], object), 10)
    # Embeddings -1.2247, 0, 1.2247 and item weights -0.7071, 1.4142, -0.7071, halved: i1 0.7071, i2 0.2588, i0 -0.9659.
    # The popular i3 fills up, alone where training knows no item of the prefix.
    assert lists[:, :5].tolist() == [[1, 2, 0, 3, -1], [3, -1, -1, -1, -1]]


def test_a_prefix_folds_in_each_item_once_by_its_newest_place() -> None:
    model = SimpleNamespace(item_index={"a": 0, "b": 1, "c": 2})
    prefixes = np.array([["b", "x", "a", "b", None], [None, None, None, None, None]], object)
    assert recency_of(model, prefixes).toarray().tolist() == [[2, 1, 0], [0, 0, 0]]
