"""Measures one data set by one protocol; every finished model is kept, so that an interrupted measurement goes on.

Reads a warehouse file with the whole data set; writes `figures.json`, and Nightjar's home, into a folder.
"""

from pathlib import Path
from typing import Any

from benchmarks.kept import Kept
from benchmarks.quality.events import Events, read_events
from benchmarks.quality.judging import judge, question
from benchmarks.quality.nightjar_lists import publish, published_lists
from benchmarks.quality.peers import PEERS
from benchmarks.quality.protocols import PROTOCOLS
from benchmarks.quality.switches import effects
from benchmarks.quality.tuning import judged, tuned
from ml import training_data
from warehouse.run_folder import RunFolder
from warehouse.settings import load_settings

NIGHTJAR = "Nightjar, published lists"


def measure(base: Path, protocol: str, folder: Path) -> dict[str, Any]:
    """Return the figures of all models by name."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test = split(read_events(base), protocol)
    known, window = split(train, protocol)
    figures = Kept(folder / "figures.json")
    for peer in PEERS:
        figures.keep(peer.name, lambda peer=peer: judged(peer, tuned(peer, known, window), train, test))
    figures.keep(NIGHTJAR, lambda: nightjar(base, folder, train, test))
    return figures.values


def nightjar(base: Path, folder: Path, train: Events, test: Events) -> dict[str, Any]:
    """Publish from the training part and judge what readers see then."""
    publish(base, folder / "home", train, folder / "night.log")
    asked = question(train, test)
    return {**judge(published_lists(folder / "home", train, asked.users), asked), "choice": {}}


def measure_switches(folder: Path) -> dict[str, Any]:
    """Return the figures of all switches on the features of the night that `measure` left in a folder."""
    effect = Kept(folder / "switches.json")
    (run,) = (folder / "home" / "lake" / "runs").glob("*/publication_id=*")
    effect.keep("all", lambda: effects(training_data.read(RunFolder(run)), load_settings()))
    return dict(effect.values["all"])


def split(events: Events, protocol: str) -> tuple[Events, Events]:
    """Cut events into what a model may know and what it is judged by."""
    is_test = PROTOCOLS[protocol](events)
    return events.of(~is_test), events.of(is_test)
