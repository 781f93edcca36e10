"""Tunes a peer on the validation window and evaluates its best choice on the test part."""

import time
from typing import Any

from benchmarks.quality.evaluation import evaluate_recommendations, held_out_of, recommend
from benchmarks.quality.events import Events
from benchmarks.quality.peers import Choice, Peer


def tuned(peer: Peer, before: Events, window: Events) -> tuple[Choice, Choice]:
    """Return the choice of fit and of ranking that is best on the window, fitted on the events before it.

    The best has the highest recall@10 + NDCG@10, of equal ones it is the first; one alone is not evaluated.
    """
    only = [(fit, ranking) for fit in peer.fits() for ranking in peer.rankings()]
    if len(only) == 1:
        return only[0]
    held_out, tried = held_out_of(before, window), []
    for fit in peer.fits():
        fitted = peer.fit(before, **fit)
        for ranking in peer.rankings():
            figures = evaluate_recommendations(recommend(fitted(**ranking), held_out), held_out)
            tried.append((quality(figures), fit, ranking))
    _, fit, ranking = max(tried, key=lambda each: each[0])
    return fit, ranking


def quality(figures: dict[str, Any]) -> float:
    """What choices are compared by."""
    return float(figures["recall"] + figures["ndcg"])


def evaluated(peer: Peer, choice: tuple[Choice, Choice], train: Events, test: Events) -> dict[str, Any]:
    """Fit one choice on the whole training part and return its figures on the test part, with the CPU seconds."""
    (fit, ranking), held_out = choice, held_out_of(train, test)
    started = time.process_time()
    fitted = peer.fit(train, **fit)
    seconds = time.process_time() - started
    figures = evaluate_recommendations(recommend(fitted(**ranking), held_out), held_out)
    return {**figures, "choice": {**fit, **ranking}, "fit_seconds": seconds}
