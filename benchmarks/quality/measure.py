"""Measures one data set by one protocol; finished models are saved, so that an interrupted measurement continues.

Reads a warehouse file with the whole data set; writes `figures.json`, and Nightjar's home, into a folder.
"""

from pathlib import Path
from typing import Any

from benchmarks.quality.ablations import effects
from benchmarks.quality.data_sets import DataSet
from benchmarks.quality.evaluation import evaluate_recommendations, held_out_of
from benchmarks.quality.events import Events, read_events
from benchmarks.quality.neural_peers import NEURAL_PEERS, are_installed, evaluated_neural_peer
from benchmarks.quality.peer_tuning import evaluated, tuned
from benchmarks.quality.peers import peers_of
from benchmarks.quality.protocols import Protocol
from benchmarks.quality.published_recommendations import fit_seconds, publish, published_recommendations
from benchmarks.saved_figures import SavedFigures
from ml.data.training_data import read_training_data
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import load_settings

NIGHTJAR, WITH_SEQUENCE = "Nightjar", "Nightjar with sequence"
# Settings beside those of the protocol, and the folder of the home, which ablations read.
_RUNS = {NIGHTJAR: ({}, "home"), WITH_SEQUENCE: ({"sequence": "on"}, "home-sequence")}
# Of fewer users no table is made: one of them would move a figure by more than the models differ.
MIN_USERS = 50


def evaluated_users(base: Path, protocol: Protocol) -> int:
    """Return the number of users that a protocol evaluates."""
    return len(held_out_of(*protocol.split(read_events(base))).users)


def measure_peers(base: Path, data: DataSet, protocol: Protocol, folder: Path) -> dict[str, Any]:
    """Return the figures of the models by name, the peers of the data set measured."""
    (train, test), (before, window) = _parts(base, protocol)
    figures = SavedFigures(folder / "figures.json")
    for peer in peers_of(data):
        figures.measure_once(peer.name, lambda peer=peer: evaluated(peer, tuned(peer, before, window), train, test))
    return figures.values


def measure_neural_peers(base: Path, protocol: Protocol, folder: Path) -> dict[str, Any]:
    """Return the figures of the models by name, the neural peers measured where their environment is."""
    (train, test), (before, window) = _parts(base, protocol)
    figures = SavedFigures(folder / "figures.json")
    for name, model in NEURAL_PEERS.items() if are_installed() else ():
        figures.measure_once(name, lambda model=model: evaluated_neural_peer(model, before, window, train, test))
    return figures.values


def _parts(base: Path, protocol: Protocol) -> tuple[tuple[Events, Events], tuple[Events, Events]]:
    """Return the training and the test part, and what the protocol makes of the training part."""
    train, test = protocol.split(read_events(base))
    return (train, test), protocol.split(train)


def measure_nightjar(base: Path, protocol: Protocol, folder: Path, name: str = NIGHTJAR) -> dict[str, Any]:
    """Publish from the training part, evaluate on the test part, and return the figures of all models by name.

    Args:
        base: warehouse file with the whole data set.
        protocol: of the split, with the settings that it asks for.
        folder: of the figures and the home.
        name: `NIGHTJAR`, or `WITH_SEQUENCE` for a run with that source, which needs the extra `neural`.
    """
    settings, home = _RUNS[name][0], folder / _RUNS[name][1]

    def published() -> dict[str, Any]:
        train, test = protocol.split(read_events(base))
        publish(base, home, train, {**protocol.settings, **settings})
        return _evaluated(home, train, test)

    figures = SavedFigures(folder / "figures.json")
    figures.measure_once(name, published)
    return figures.values


def measure_ablations(folder: Path) -> dict[str, Any]:
    """Return the figures of all ablations on the features of the run that `measure_nightjar` left in a folder."""
    figures = SavedFigures(folder / "ablations.json")
    (run,) = (folder / "home" / "lake" / "runs").glob("*/publication_id=*")
    features = RunFolder(run).features_folder
    figures.measure_once("all", lambda: effects(read_training_data(features), load_settings()))
    return dict(figures.values["all"])


def _evaluated(home: Path, train: Events, test: Events) -> dict[str, Any]:
    held_out = held_out_of(train, test)
    figures = evaluate_recommendations(published_recommendations(home, train, held_out.users), held_out)
    return {**figures, "fit_seconds": fit_seconds(home)}
