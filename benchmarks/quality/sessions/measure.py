"""Measures the next clicks of sessions that training never saw; finished models are saved.

Reads `train.tsv` and `test.tsv` of a data set; writes `figures.json`, and Nightjar's home, into a folder.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.data_sets import DataSet, nightjar
from benchmarks.quality.measure import NIGHTJAR
from benchmarks.quality.peers import Choice, Peer
from benchmarks.quality.published_recommendations import fit_seconds, is_published
from benchmarks.quality.sessions.clicks import (
    Clicks,
    K,
    Prefixes,
    evaluate_next_clicks,
    prefixes_of,
    read_clicks,
    without_last_day,
)
from benchmarks.quality.sessions.peers import SESSION_PEERS, Scores
from benchmarks.quality.sessions.session_lists import session_lists
from benchmarks.saved_figures import SavedFigures
from nightjar.contract.settings import load_settings
from nightjar.ranking.best_columns import best_columns

_ROWS = 256
# What is held out of a run looks like what is asked here: the newest click of each session, which may repeat another.
SETTINGS = {"NIGHTJAR_HOLDOUT": "last", "NIGHTJAR_REPEAT_AFTER_DAYS": "0"}


def measure_session_peers(data: DataSet, folder: Path) -> dict[str, Any]:
    """Return the figures of the peers by name, each tuned on the sessions of the last day of training."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test = read_clicks(data.folder)
    prefixes = prefixes_of(test)
    figures = SavedFigures(folder / "figures.json")
    for peer in SESSION_PEERS:
        figures.measure_once(peer.name, lambda peer=peer: _evaluated(peer, _tuned(peer, train), train, prefixes))
    return figures.values


def measure_sessions_of_nightjar(data: DataSet, folder: Path) -> dict[str, Any]:
    """Run with `SETTINGS` on the training part, fold the prefixes in, and return the figures of all models."""

    def measured() -> dict[str, Any]:
        train, test = read_clicks(data.folder)
        home = folder / "home"
        data.imported(home)
        if not is_published(home):
            last_day = datetime.fromtimestamp(train.seconds.max(), UTC).date()
            nightjar(home, "run", "--date", str(last_day), **SETTINGS)
        prefixes = prefixes_of(test)
        # The -1 of an item that training has not picks the None at the end.
        ids = np.append(train.item_ids, None)
        lists = session_lists(home, ids[prefixes.histories], load_settings())
        index = {item_id: number for number, item_id in enumerate(train.item_ids)}
        numbers = np.array([[index.get(item, -1) for item in row] for row in lists], np.int64)
        return {**evaluate_next_clicks(numbers, prefixes), "fit_seconds": fit_seconds(home)}

    figures = SavedFigures(folder / "figures.json")
    figures.measure_once(NIGHTJAR, measured)
    return figures.values


def _tuned(peer: Peer, train: Clicks) -> tuple[Choice, Choice]:
    """Return the choice that has the highest HR@20 + MRR@20 on the window, of equal ones the first."""
    before, window = without_last_day(train)
    prefixes, tried = prefixes_of(window), []
    for fit in peer.fits():
        fitted = peer.fit(before, **fit)
        for ranking in peer.rankings():
            figures = evaluate_next_clicks(_lists(fitted(**ranking), prefixes), prefixes)
            tried.append((figures["hit_rate"] + figures["mrr"], fit, ranking))
    _, fit, ranking = max(tried, key=lambda each: each[0])
    return fit, ranking


def _evaluated(peer: Peer, choice: tuple[Choice, Choice], train: Clicks, prefixes: Prefixes) -> dict[str, Any]:
    fit, ranking = choice
    started = time.process_time()
    fitted = peer.fit(train, **fit)
    seconds = time.process_time() - started
    figures = evaluate_next_clicks(_lists(fitted(**ranking), prefixes), prefixes)
    return {**figures, "choice": {**fit, **ranking}, "fit_seconds": seconds}


def _lists(scores: Scores, prefixes: Prefixes) -> NDArray[np.int64]:
    blocks = []
    for start in range(0, len(prefixes.histories), _ROWS):
        scored = np.array(scores(prefixes.histories[start : start + _ROWS]), np.float32)
        blocks.append(best_columns(scored, K)[0])
    return np.concatenate(blocks)
