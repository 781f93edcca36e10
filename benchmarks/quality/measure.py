"""Measures one data set by one protocol; every finished model is kept, so that an interrupted measurement goes on.

Reads a warehouse file with the whole data set; writes `figures.json`, and Nightjar's home, into a folder.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.quality.events import Events, read_events
from benchmarks.quality.judging import judge, question
from benchmarks.quality.nightjar_lists import publish, published_lists
from benchmarks.quality.peers import PEERS
from benchmarks.quality.protocols import PROTOCOLS
from benchmarks.quality.switches import effects
from benchmarks.quality.tuning import judged, tuned
from ml import training_data
from warehouse.run_folder import RunFolder, write_text
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


class Kept:
    """Results in a JSON file; what is in it is not measured again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, name: str, result: Callable[[], Any]) -> None:
        """Measure a result unless it is there, tell it and write it down."""
        if name not in self.values:
            self.values[name] = result()
            write_text(self._path, json.dumps(self.values, indent=1))
        print(f"{self._path.parent}: {name} {json.dumps(self.values[name])[:160]}", flush=True)
