"""Tunes a peer on the validation window and judges its best choice on the test part."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.quality.events import Events
from benchmarks.quality.judging import judge, lists_of, question
from benchmarks.quality.peers import Peer


def best(choices: Sequence[dict[str, Any]], figures_of: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return the choice with the highest recall@10 + NDCG@10, of equal ones the first; a single one is not judged."""
    if len(choices) == 1:
        return choices[0]

    def quality(choice: dict[str, Any]) -> float:
        figures = figures_of(choice)
        return float(figures["recall"] + figures["ndcg"])

    return max(choices, key=quality)


def tuned(peer: Peer, known: Events, window: Events) -> dict[str, Any]:
    """Return the choice that is best on the window, fitted on what was known before it."""
    asked = question(known, window)
    return best(peer.choices(), lambda choice: judge(lists_of(peer.fit(known, **choice), asked), asked))


def judged(peer: Peer, choice: dict[str, Any], train: Events, test: Events) -> dict[str, Any]:
    """FittedFactors one choice on the whole training part and return its figures on the test part."""
    asked = question(train, test)
    return {**judge(lists_of(peer.fit(train, **choice), asked), asked), "choice": choice}
