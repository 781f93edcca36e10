from datetime import date

import numpy as np
import pytest

from ml.evaluation.evaluate import LIST_METRICS
from ml.evaluation.plots import png
from ml.evaluation.results import EvaluationResults
from nightjar.contract.settings import Settings
from nightjar.reporting import report_plots
from nightjar.reporting.model_sources import ModelSource


def of_users(*proportions: float) -> dict[str, np.ndarray]:
    return {metric: np.array(proportions) for metric in LIST_METRICS}


def test_deciles_are_proportions_of_each_sum_most_popular_first() -> None:
    figures = np.array([[40.0, 1.0], [20.0, 1.0], *[[5.0, 1.0]] * 8])
    proportions = report_plots.decile_proportions(figures)
    assert proportions[:, 0] == pytest.approx([0.4, 0.2, *[0.05] * 8])
    assert proportions[:, 1] == pytest.approx([0.1] * 10)


def test_popularity_is_not_drawn_for_fewer_than_ten_items_or_without_recommendations() -> None:
    assert report_plots.popularity_deciles([(5, 1)] * 9) is None
    assert report_plots.popularity_deciles([(5, 0)] * 10) is None
    drawn = report_plots.popularity_deciles([(5, 1)] * 10)
    assert drawn is not None
    assert drawn.axes[0].get_legend_handles_labels()[1] == ["recommended", "consumed"]


def test_no_difference_is_drawn_where_no_user_has_a_holdout() -> None:
    assert (
        report_plots.model_differences(
            EvaluationResults({"nightjar": of_users(), "popularity": of_users()}, {}, None), Settings()
        )
        is None
    )


def test_the_difference_of_each_metric_is_the_mean_over_the_same_users() -> None:
    evaluation = EvaluationResults({"nightjar": of_users(0.5, 0.7), "popularity": of_users(0.1, 0.5)}, {}, None)
    figure = report_plots.model_differences(evaluation, Settings())
    assert figure is not None
    [line, *_] = figure.axes[0].get_lines()
    assert line.get_xdata() == pytest.approx([0.3] * len(LIST_METRICS))
    assert png(figure).startswith(b"\x89PNG")


def test_a_champion_has_its_own_differences_and_a_lone_model_none() -> None:
    compared = {"nightjar": of_users(0.5, 0.7), "popularity": of_users(0.1, 0.5), "champion": of_users(0.6, 0.7)}
    figure = report_plots.model_differences(EvaluationResults(compared, {}, None), Settings())
    assert figure is not None
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert [label.split()[-1] for label in labels] == ["popularity", "champion"]
    assert report_plots.model_differences(EvaluationResults({"nightjar": of_users(0.5)}, {}, None), Settings()) is None


def model_source(source: str, weight: float | None, mean: float | None) -> ModelSource:
    return ModelSource(source, None, "warm", weight, None, None, None, None, None, mean)


def test_weights_and_mean_contributions_of_the_models_sources_stand_side_by_side() -> None:
    sources = [
        model_source("lightfm", 0.75, 1.5),
        model_source("ease", 0.25, -0.5),
        model_source("content", None, None),
    ]
    figure = report_plots.weights_and_contributions(sources)
    assert figure is not None
    weights, contributions = figure.axes
    assert [bar.get_width() for bar in weights.patches] == [0.75, 0.25]
    assert [bar.get_width() for bar in contributions.patches] == [1.5, -0.5]
    assert [label.get_text() for label in weights.get_yticklabels()] == ["lightfm", "ease"]
    assert weights.yaxis_inverted()


def test_without_contributions_the_weights_stand_alone_and_without_weights_nothing_is_drawn() -> None:
    figure = report_plots.weights_and_contributions([model_source("lightfm", 1.0, None)])
    assert figure is not None
    assert len(figure.axes) == 1
    assert report_plots.weights_and_contributions([model_source("content", None, None)]) is None
    assert report_plots.weights_and_contributions([]) is None


def test_events_are_drawn_by_day_and_no_figure_without_events() -> None:
    assert report_plots.event_volume([]) is None
    figure = report_plots.event_volume([(date(2026, 3, 29), 7), (date(2026, 3, 31), 3)])
    assert figure is not None
    assert [bar.get_height() for bar in figure.axes[0].patches] == [7, 3]
