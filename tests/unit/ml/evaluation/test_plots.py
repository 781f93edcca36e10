from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from ml.evaluation import plots
from ml.evaluation.evaluate import LIST_METRICS, Metric
from ml.evaluation.holdout_slices import SLICES
from ml.evaluation.popularity_curve import CurvePoint
from ml.index.index_recall import IndexQuality


def is_drawn(path: Path) -> bool:
    pixels = imread(path)[..., :3]
    return pixels.shape[0] >= 100 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10


def test_every_plot_is_drawn_also_for_empty_slices(tmp_path: Path) -> None:
    metrics = [
        Metric(model, name, metric, 10, float("nan") if name == "cold_item" else 0.3, 0 if name == "cold_item" else 4)
        for model in ("nightjar", "popularity")
        for name in SLICES
        for metric in LIST_METRICS
    ]
    plots.metric_bars(metrics, tmp_path / "bars.png")
    alone = [replace(row, model="ease") for row in metrics if row.model == "nightjar"]
    plots.source_bars(alone, metrics, tmp_path / "sources.png")
    plots.source_bars([], [], tmp_path / "no_sources.png")
    plots.training_curve([0.1, 0.2, float("nan")], 10, tmp_path / "deeper" / "curve.png")
    exposures = {"nightjar": np.array([3, 0, 1]), "popularity": np.array([0, 0, 0])}
    exposures |= {"champion": np.array([1, 1, 1]), "consumed": np.array([2, 0, 0])}
    plots.popularity_trade_off([CurvePoint(0.0, 0.2, 0.5, 0.1), CurvePoint(1.0, 0.3, 0.4, 0.2)], 10, tmp_path / "w.png")
    plots.popularity_trade_off([], 10, tmp_path / "empty.png")
    plots.exposure_lorenz(exposures, tmp_path / "lorenz.png")
    drawn = ("bars.png", "deeper/curve.png", "lorenz.png", "w.png", "empty.png", "sources.png", "no_sources.png")
    for name in drawn:
        assert is_drawn(tmp_path / name)


def recall(model: str, of_slice: str, value: float) -> Metric:
    return Metric(model, of_slice, "recall", 10, value, 4)


def test_sources_alone_stand_below_the_model_the_best_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, _: figures.append(figure))
    models = [recall("nightjar", "all", 0.3), recall("popularity", "all", 0.1), recall("nightjar", "cold_item", 0.2)]
    sources = [recall("toy", "all", float("nan")), recall("popular", "all", 0.1), recall("ease", "all", 0.25)]
    precision = Metric("ease", "all", "precision", 10, 0.9, 4)
    plots.source_bars([*sources, precision, recall("content", "cold_item", 0.15)], models, tmp_path / "unused.png")
    plots.source_bars(sources, models, tmp_path / "unused.png")
    both, without_cold_items = figures
    all_users, cold_items = both.axes
    assert [label.get_text() for label in all_users.get_yticklabels()] == ["nightjar", "ease", "popular", "toy"]
    assert [bar.get_width() for bar in all_users.patches] == [0.3, 0.25, 0.1, 0]
    # A value that does not exist is not shown as 0.
    assert [text.get_text() for text in all_users.texts] == ["0.300", "0.250", "0.100", "no value"]
    assert [label.get_text() for label in cold_items.get_yticklabels()] == ["nightjar", "content"]
    assert len(without_cold_items.axes) == 1


def test_without_sources_a_figure_is_written_all_the_same(tmp_path: Path) -> None:
    plots.source_bars([], [], tmp_path / "none.png")
    assert (tmp_path / "none.png").exists()


def test_the_indices_are_drawn_also_without_queries(tmp_path: Path) -> None:
    measured = [IndexQuality(0.8, 0.01, 0.02, 9, 11), IndexQuality(0.99, 0.02, 0.04, 9, 22)]
    plots.index_recall({"retrieval": (measured, 22), "similarity": (measured[:1], 11)}, tmp_path / "both.png")
    plots.index_recall({"retrieval": ([IndexQuality(None, 0.0, 0.0, 0, 11)], 11)}, tmp_path / "none.png")
    assert is_drawn(tmp_path / "both.png")
    assert is_drawn(tmp_path / "none.png")


def test_equal_plots_are_equal_files(tmp_path: Path) -> None:
    for name in ("one.png", "other.png"):
        plots.training_curve([0.1, 0.2], 10, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
