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
from benchmarks.quality.tuning import best, judged, tuned
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
    known, window = split(train, protocol)
    figures = Kept(folder / "figures.json")
    for peer in PEERS:
        figures.keep(peer.name, lambda peer=peer: judged(peer, tuned(peer, known, window), train, test))
    nights, windows = folder / "night", folder / "window"
    figures.keep(DEFAULTS, lambda: nightjar(base, nights, NIGHTJAR_CHOICES[0], (train, test)))

    def published() -> dict[str, Any]:
        # A choice that a gate would refuse is judged like the others.
        choice = best(NIGHTJAR_CHOICES, lambda each: nightjar(base, windows, each, (known, window), "force"))
        return nightjar(base, nights, choice, (train, test)) | {"choice": choice}

    figures.keep(NIGHTJAR, published)
    return figures.values


def nightjar(
    base: Path, folder: Path, choice: dict[str, float], parts: tuple[Events, Events], mode: str = "auto"
) -> dict[str, Any]:
    """Publish from the training part, in a home of its own for each choice, and judge what readers see by the other."""
    (train, test), home = parts, _home(folder, choice)
    publish(base, home, train, choice, mode)
    asked = question(train, test)
    return judge(published_lists(home, train, asked.users), asked)


def measure_switches(folder: Path) -> dict[str, Any]:
    """Return the figures of all switches on the features of the default night that `measure` left in a folder."""
    effect = Kept(folder / "switches.json")
    (run,) = (_home(folder / "night", NIGHTJAR_CHOICES[0]) / "lake" / "runs").glob("*/publication_id=*")
    effect.keep("all", lambda: effects(read_training_data(RunFolder(run).features_folder), load_settings()))
    return dict(effect.values["all"])


def split(events: Events, protocol: str) -> tuple[Events, Events]:
    """Cut events into what a model may know and what it is judged by."""
    is_test = PROTOCOLS[protocol](events)
    return events.of(~is_test), events.of(is_test)


def _home(folder: Path, choice: dict[str, float]) -> Path:
    return folder / "-".join(f"{name}-{value:g}" for name, value in choice.items())
