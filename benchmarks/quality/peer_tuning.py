"""Tunes a peer on the validation window and evaluates its best choice on the test part."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.quality.evaluation import evaluate_recommendations, held_out_of, recommend
from benchmarks.quality.events import Events
from benchmarks.quality.peers import Peer


def best(choices: Sequence[dict[str, Any]], figures_of: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return the choice with the highest recall@10 + NDCG@10, of equal ones the first; one alone is not evaluated."""
    if len(choices) == 1:
        return choices[0]

    def quality(choice: dict[str, Any]) -> float:
        figures = figures_of(choice)
        return float(figures["recall"] + figures["ndcg"])

    return max(choices, key=quality)


def tuned(peer: Peer, before: Events, window: Events) -> dict[str, Any]:
    """Return the choice that is best on the window, fitted on the events before it."""
    held_out = held_out_of(before, window)
    return best(
        peer.choices(),
        lambda choice: evaluate_recommendations(recommend(peer.fit(before, **choice), held_out), held_out),
    )


def evaluated(peer: Peer, choice: dict[str, Any], train: Events, test: Events) -> dict[str, Any]:
    """FittedFactors one choice on the whole training part and return its figures on the test part."""
    held_out = held_out_of(train, test)
    return {**evaluate_recommendations(recommend(peer.fit(train, **choice), held_out), held_out), "choice": choice}
