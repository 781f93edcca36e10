"""Measures one data set; finished models are saved in `figures.json`, so that an interrupted measurement continues."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cold_start import sources
from benchmarks.cold_start.holdouts import (
    COLD_ITEMS,
    SEED,
    ColdHeldOut,
    hold_out,
    training_data,
    with_holdout,
    with_pairs_held_out,
)
from benchmarks.cold_start.models import (
    COLD_ITEM_PEERS,
    CROSS_DOMAIN_PEERS,
    EMBEDDINGS,
    NIGHTJAR,
    Peer,
    choose_blend_weights,
    choose_cold_item_weights,
    nightjar,
)
from benchmarks.quality.evaluation import Scorer, evaluate_recommendations, recommend
from benchmarks.saved_figures import SavedFigures
from ml.data.training_data import TrainingData
from nightjar.contract.artifacts.sources import NEW_TO_DOMAIN
from nightjar.contract.settings import Settings

Figures = dict[str, dict[str, Any]]
TestSets = Mapping[str, ColdHeldOut]


def measure(folder: Path, work: Path, settings: Settings) -> dict[str, Figures]:
    """Return the figures by test set and model."""
    work.mkdir(parents=True, exist_ok=True)
    train, test_sets = hold_out(sources.read(folder), SEED)
    window, validation_sets = hold_out(train, SEED + 1)
    data, before = training_data(train, settings), training_data(window, settings)
    figures = SavedFigures(work / "figures.json")
    for peer in COLD_ITEM_PEERS if COLD_ITEMS in test_sets else CROSS_DOMAIN_PEERS:
        figures.measure_once(peer.name, lambda peer=peer: _tuned(peer, before, validation_sets, data, test_sets))
    figures.measure_once(NIGHTJAR, lambda: _of_nightjar(before, validation_sets, data, test_sets, settings))
    models = {name: each for name, each in figures.values.items() if name != NIGHTJAR} | figures.values[NIGHTJAR]
    return {title: {name: each[title] for name, each in models.items()} for title in test_sets}


def _tuned(
    peer: Peer, before: TrainingData, validation_sets: TestSets, data: TrainingData, test_sets: TestSets
) -> Figures:
    def quality(choice: dict[str, Any]) -> float:
        figures = _evaluated(peer.fit(before, **choice), validation_sets)
        return sum(float(each["recall"] + each["ndcg"]) for each in figures.values())

    choice = peer.choices[0] if len(peer.choices) == 1 else max(peer.choices, key=quality)
    figures = _evaluated(peer.fit(data, **choice), test_sets)
    return {title: each | {"choice": choice} for title, each in figures.items()}


def _of_nightjar(
    before: TrainingData, validation_sets: TestSets, data: TrainingData, test_sets: TestSets, settings: Settings
) -> dict[str, Figures]:
    choice, blend = {}, None
    if COLD_ITEMS in validation_sets:
        weights = choose_cold_item_weights(with_holdout(before, validation_sets[COLD_ITEMS]), settings)
        print(weights.summary(), flush=True)
        choice = {"cold_item_share": weights.blend_weight, "cold_item_regression_share": weights.regression_weight}
        settings = weights.in_settings(settings)
    else:
        chosen = choose_blend_weights(with_pairs_held_out(before, data), settings)
        for line in chosen.summary():
            print(line, flush=True)
        blend = chosen.weights
        choice = {} if blend is None else {name: each for name, each in blend.of[NEW_TO_DOMAIN].items() if each > 0}
    scorers = nightjar(data, settings, blend)
    figures = {name: _evaluated(scorers[name], test_sets) for name in (EMBEDDINGS, NIGHTJAR)}
    for each in figures[NIGHTJAR].values():
        each["choice"] = choice
    return figures


def _evaluated(scores: Scorer, test_sets: TestSets) -> Figures:
    figures = {}
    for title, each in test_sets.items():
        recommended = recommend(lambda rows, each=each: scores(rows)[:, each.candidates], each.held_out)
        figures[title] = evaluate_recommendations(recommended, each.held_out)
    return figures
