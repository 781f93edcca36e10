from pathlib import Path

import numpy as np
from matplotlib.image import imread

from ml.evaluation import plots
from ml.evaluation.evaluate import LIST_METRICS, Metric
from ml.evaluation.holdout_slices import SLICES
from ml.evaluation.popularity_curve import CurvePoint
from ml.index.index_recall import IndexQuality


def is_drawn(path: Path) -> bool:
    pixels = imread(path)[..., :3]
    return pixels.shape[0] >= 400 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10


def test_every_plot_is_drawn_also_for_empty_slices(tmp_path: Path) -> None:
    metrics = [
        Metric(model, name, metric, 10, float("nan") if name == "cold_item" else 0.3, 0 if name == "cold_item" else 4)
        for model in ("nightjar", "popularity")
        for name in SLICES
        for metric in LIST_METRICS
    ]
    plots.metric_bars(metrics, tmp_path / "bars.png")
    plots.training_curve([0.1, 0.2, float("nan")], 10, tmp_path / "deeper" / "curve.png")
    exposures = {"nightjar": np.array([3, 0, 1]), "popularity": np.array([0, 0, 0])}
    exposures |= {"champion": np.array([1, 1, 1]), "consumed": np.array([2, 0, 0])}
    plots.popularity_trade_off([CurvePoint(0.0, 0.2, 0.5, 0.1), CurvePoint(1.0, 0.3, 0.4, 0.2)], 10, tmp_path / "w.png")
    plots.popularity_trade_off([], 10, tmp_path / "empty.png")
    plots.exposure_lorenz(exposures, tmp_path / "lorenz.png")
    for name in ("bars.png", "deeper/curve.png", "lorenz.png", "w.png", "empty.png"):
        assert is_drawn(tmp_path / name)


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
