"""Peers for sessions, written for the benchmark: V-SKNN, SLIST and EASE.

Like `benchmarks.quality.peers`: clicks and a choice -> a function of a ranking choice -> scores of histories.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.quality.peer_models import ease_weights
from benchmarks.quality.peers import Peer
from benchmarks.quality.sessions.clicks import Clicks
from benchmarks.quality.slist import slist_weights

Scores = Callable[[NDArray[np.int64]], NDArray[np.float32]]
_DAY_SECONDS = 86_400


def popularity(train: Clicks) -> Callable[[], Scores]:
    """Rank items by their number of clicks."""
    counts = np.bincount(train.items, minlength=len(train.item_ids)).astype(np.float32)
    return lambda: lambda histories: np.broadcast_to(counts, (len(histories), len(counts)))


def slist(train: Clicks, alpha: float, ridge: float, days: float) -> Callable[[float], Scores]:
    """SLIST (Choi et al. 2021); a session weighs exp(-age / days)."""
    age = (train.seconds.max() - train.starts()) / _DAY_SECONDS
    weights = slist_weights(train.sequences(), alpha, ridge, 1, np.exp(-age / days).astype(np.float32))
    return lambda history_decay: lambda histories: decayed(histories, history_decay, len(train.item_ids)) @ weights


def ease(train: Clicks, ridge: float) -> Callable[[float], Scores]:
    """EASE (Steck 2019) on the sets of sessions; its diagonal is 1, since a click may be repeated."""
    sets = train.sequences().sets()
    weights = ease_weights(sets, ridge)
    np.fill_diagonal(weights, 1)
    return lambda history_decay: lambda histories: decayed(histories, history_decay, len(train.item_ids)) @ weights


def decayed(histories: NDArray[np.int64], decay: float, items: int) -> sparse.csr_matrix:
    """(rows, items) CSR: exp(-place / decay) of each item, of one clicked repeatedly the sum."""
    rows, places = np.nonzero(histories >= 0)
    values = np.exp(-places / decay).astype(np.float32)
    return sparse.csr_matrix((values, (rows, histories[rows, places])), shape=(len(histories), items))


def v_sknn(train: Clicks, recent: int) -> Callable[[int, float], Scores]:
    """V-SKNN (Ludewig and Jannach 2018): the sessions most similar to the history, newer items counting more.

    Of the newest `recent` sessions with an item of the history, the similarity of each is the sum of the weights of
    the items it shares with the history: of n items the newest weighs 1, the next (n - 1)/n, ... Each of the most
    similar ones gives its items its similarity times 1 - 0.1 times the place of the newest item shared; an item that
    few sessions have counts more.
    """
    starts = np.flatnonzero(np.diff(train.sessions, prepend=-1))
    ends = np.maximum.reduceat(train.seconds, starts)
    # Sessions numbered by age, so that the newest are the last.
    number = np.argsort(np.argsort(ends, kind="stable"))
    session = np.repeat(number, np.diff(np.append(starts, len(train.sessions))))
    has_item = sparse.csr_matrix(
        (np.ones(len(session), np.float32), (session, train.items)), shape=(len(number), len(train.item_ids))
    )
    has_item.data[:] = 1
    sessions_of = has_item.tocsc()
    rarity = np.log(len(number) / np.maximum(sessions_of.getnnz(axis=0), 1)).astype(np.float32)

    def scores_of(history: NDArray[np.int64], neighbours: int, idf: float) -> NDArray[np.float32]:
        similarity, step = np.zeros(len(number), np.float32), np.zeros(len(number), np.float32)
        items, places = np.unique(history[history >= 0], return_index=True)
        for place, item in sorted(zip(places.tolist(), items.tolist(), strict=True), reverse=True):
            sharing = sessions_of.indices[sessions_of.indptr[item] : sessions_of.indptr[item + 1]]
            similarity[sharing] += 1 - place / np.count_nonzero(history >= 0)
            step[sharing] = max(0.0, 1 - 0.1 * place)
        found = np.flatnonzero(similarity)[-recent:]
        nearest = found[np.argsort(-similarity[found], kind="stable")[:neighbours]]
        return ((similarity[nearest] * step[nearest]) @ has_item[nearest]) * (1 + idf * rarity)

    def ranked(neighbours: int, idf: float) -> Scores:
        return lambda histories: np.stack([scores_of(each, neighbours, idf) for each in histories])

    return ranked


SESSION_PEERS = (
    Peer("popularity", popularity),
    Peer("V-SKNN", v_sknn, {"recent": [1000, 5000]}, {"neighbours": [100, 500], "idf": [0.0, 1.0]}),
    Peer(
        "SLIST",
        slist,
        {"alpha": [0.5, 0.8], "ridge": [50.0, 200.0], "days": [3.0, 1000.0]},
        {"history_decay": [1.0, 2.0, 4.0]},
    ),
    Peer("EASE, repeats", ease, {"ridge": [20.0, 100.0, 300.0]}, {"history_decay": [1.0, 2.0, 4.0]}),
)
