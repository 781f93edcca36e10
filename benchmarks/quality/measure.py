"""Measures one data set by one protocol; finished models are saved, so that an interrupted measurement continues.

Reads a warehouse file with the whole data set; writes `figures.json`, and Nightjar's home, into a folder.
"""

from pathlib import Path
from typing import Any

from benchmarks.quality.ablations import effects
from benchmarks.quality.evaluation import evaluate_recommendations, held_out_of
from benchmarks.quality.events import Events, read_events
from benchmarks.quality.peer_tuning import best, evaluated, tuned
from benchmarks.quality.peers import PEERS
from benchmarks.quality.protocols import PROTOCOLS
from benchmarks.quality.published_recommendations import publish, published_recommendations
from benchmarks.saved_figures import SavedFigures
from ml.data.training_data import read_training_data
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings

NIGHTJAR, DEFAULTS = "Nightjar, published lists", "Nightjar, default settings"
# Whether newer events count more than older ones, as the recency of a peer; the first is the default.
NIGHTJAR_CHOICES = ({"recency_rank_power": 2.0}, {"recency_rank_power": 0.0})


def measure(base: Path, protocol: str, folder: Path) -> dict[str, Any]:
    """Return the figures of all models by name."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test = split(read_events(base), protocol)
    before, window = split(train, protocol)
    figures = SavedFigures(folder / "figures.json")
    for peer in PEERS:
        figures.measure_once(peer.name, lambda peer=peer: evaluated(peer, tuned(peer, before, window), train, test))
    runs, window_runs = folder / "night", folder / "window"
    figures.measure_once(DEFAULTS, lambda: nightjar(base, runs, NIGHTJAR_CHOICES[0], (train, test)))

    def published() -> dict[str, Any]:
        # A choice that a gate would refuse is evaluated like the others.
        choice = best(NIGHTJAR_CHOICES, lambda each: nightjar(base, window_runs, each, (before, window), "force"))
        return nightjar(base, runs, choice, (train, test)) | {"choice": choice}

    figures.measure_once(NIGHTJAR, published)
    return figures.values


def nightjar(
    base: Path, folder: Path, choice: dict[str, float], parts: tuple[Events, Events], mode: str = "auto"
) -> dict[str, Any]:
    """Publish from the training part, in a home of its own for each choice, and evaluate on the other part."""
    (train, test), home = parts, _home(folder, choice)
    publish(base, home, train, choice, mode)
    held_out = held_out_of(train, test)
    return evaluate_recommendations(published_recommendations(home, train, held_out.users), held_out)


def measure_ablations(folder: Path) -> dict[str, Any]:
    """Return the figures of all ablations on the features of the default run that `measure` left in a folder."""
    figures = SavedFigures(folder / "switches.json")
    (run,) = (_home(folder / "night", NIGHTJAR_CHOICES[0]) / "lake" / "runs").glob("*/publication_id=*")
    features = RunFolder(run).features_folder
    figures.measure_once("all", lambda: effects(read_training_data(features), load_settings()))
    return dict(figures.values["all"])


def split(events: Events, protocol: str) -> tuple[Events, Events]:
    """Split events into a training part and a test part."""
    is_test = PROTOCOLS[protocol](events)
    return events.where(~is_test), events.where(is_test)


def _home(folder: Path, choice: dict[str, float]) -> Path:
    return folder / "-".join(f"{name}-{value:g}" for name, value in choice.items())
