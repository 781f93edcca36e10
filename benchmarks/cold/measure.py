"""Measures one data set; every finished model is kept in `figures.json`, so that an interrupted measurement goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cold import sources
from benchmarks.cold.models import COLD_ITEM_PEERS, CROSS_DOMAIN_PEERS, EMBEDDINGS, NIGHTJAR, Peer, chosen_by, nightjar
from benchmarks.cold.questions import COLD_ITEMS, SEED, Asked, held_out, training_data, with_holdout
from benchmarks.kept import Kept
from benchmarks.quality.judging import Scorer, judge, lists_of
from ml.data.training_data import TrainingData
from nightjar.contract.settings import Settings

Figures = dict[str, dict[str, Any]]


def measure(folder: Path, work: Path, settings: Settings) -> dict[str, Figures]:
    """Return the figures by question and model."""
    work.mkdir(parents=True, exist_ok=True)
    known, asked = held_out(sources.read(folder), SEED)
    window, asked_before = held_out(known, SEED + 1)
    data, before = training_data(known, settings), training_data(window, settings)
    kept = Kept(work / "figures.json")
    for peer in COLD_ITEM_PEERS if COLD_ITEMS in asked else CROSS_DOMAIN_PEERS:
        kept.keep(peer.name, lambda peer=peer: _tuned(peer, before, asked_before, data, asked))
    kept.keep(NIGHTJAR, lambda: _of_nightjar(before, asked_before, data, asked, settings))
    models = {name: found for name, found in kept.values.items() if name != NIGHTJAR} | kept.values[NIGHTJAR]
    return {title: {name: found[title] for name, found in models.items()} for title in asked}


def _tuned(
    peer: Peer, before: TrainingData, asked_before: Mapping[str, Asked], data: TrainingData, asked: Mapping[str, Asked]
) -> Figures:
    def quality(choice: dict[str, Any]) -> float:
        found = _judged(peer.fit(before, **choice), asked_before)
        return sum(float(each["recall"] + each["ndcg"]) for each in found.values())

    choice = peer.choices[0] if len(peer.choices) == 1 else max(peer.choices, key=quality)
    return {title: found | {"choice": choice} for title, found in _judged(peer.fit(data, **choice), asked).items()}


def _of_nightjar(
    before: TrainingData,
    asked_before: Mapping[str, Asked],
    data: TrainingData,
    asked: Mapping[str, Asked],
    settings: Settings,
) -> dict[str, Figures]:
    choice = {}
    if COLD_ITEMS in asked_before:
        chosen = chosen_by(with_holdout(before, asked_before[COLD_ITEMS]), settings)
        print(chosen.summary(), flush=True)
        choice = {"cold_item_share": chosen.blend_weight, "cold_item_regression_share": chosen.regression_weight}
        settings = chosen.in_settings(settings)
    scorers = nightjar(data, settings)
    found = {name: _judged(scorers[name], asked) for name in (EMBEDDINGS, NIGHTJAR)}
    for each in found[NIGHTJAR].values():
        each["choice"] = choice
    return found


def _judged(scores: Scorer, asked: Mapping[str, Asked]) -> Figures:
    return {
        title: judge(lists_of(lambda rows, each=each: scores(rows)[:, each.candidates], each.question), each.question)
        for title, each in asked.items()
    }
