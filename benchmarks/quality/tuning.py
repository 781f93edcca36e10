"""Tunes a peer on the validation window and judges its best choice on the test part."""

from typing import Any

from benchmarks.quality.events import Events
from benchmarks.quality.judging import judge, lists_of, question
from benchmarks.quality.peers import Peer


def tuned(peer: Peer, known: Events, window: Events) -> dict[str, Any]:
    """Return the choice with the highest recall@10 + NDCG@10 on the window, fitted on what was known before it."""
    choices = peer.choices()
    if len(choices) == 1:
        return choices[0]
    asked = question(known, window)

    def quality(choice: dict[str, Any]) -> float:
        figures = judge(lists_of(peer.fit(known, **choice), asked), asked)
        return figures["recall"] + figures["ndcg"]

    return max(choices, key=quality)


def judged(peer: Peer, choice: dict[str, Any], train: Events, test: Events) -> dict[str, Any]:
    """Fit one choice on the whole training part and return its figures on the test part."""
    asked = question(train, test)
    return {**judge(lists_of(peer.fit(train, **choice), asked), asked), "choice": choice}
