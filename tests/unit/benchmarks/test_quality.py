"""The benchmark's splits, matrices and closed forms, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from benchmarks.quality.evaluation import K, evaluate_recommendations, held_out_of, recommend
from benchmarks.quality.events import Events
from benchmarks.quality.peer_models import ease, inverse, recent_popularity
from benchmarks.quality.protocols import last_fraction, last_one, time_cut


def events(*pairs: tuple[int, int], users: int = 3, items: int = 6) -> Events:
    """Events in the order of time, one a second."""
    return Events(
        np.array([f"u{user}" for user in range(users)], object),
        np.array([f"i{item}" for item in range(items)], object),
        np.array([user for user, _ in pairs], np.int64),
        np.array([item for _, item in pairs], np.int64),
        np.arange(len(pairs), dtype=np.int64) * 1_000_000,
        np.array([f"e{number}" for number in range(len(pairs))], object),
    )


# User 0 has six events, user 1 three, user 2 one.
SOME = events((0, 0), (1, 3), (0, 1), (0, 2), (1, 4), (0, 3), (2, 0), (0, 4), (1, 5), (0, 5))


def held_out(flags: np.ndarray) -> list[str]:
    return SOME.event_ids[flags].tolist()


def test_each_protocol_holds_out_the_newest_events() -> None:
    # A fifth of six events is one, of three at least one; the only event of a user stays.
    assert held_out(last_fraction(SOME)) == ["e8", "e9"]
    assert held_out(last_one(SOME)) == ["e8", "e9"]
    # The newest fifth of ten events.
    assert held_out(time_cut(SOME)) == ["e7", "e8", "e9"]
    assert held_out(time_cut(SOME, 0.5)) == ["e4", "e5", "e6", "e7", "e8", "e9"]
    # Of ten events of one user a fifth is two.
    one_user = events(*((0, item) for item in range(10)), items=10)
    assert last_fraction(one_user).tolist() == [False] * 8 + [True] * 2


def test_an_events_weight_follows_its_recency_rank() -> None:
    weights = SOME.matrix(2.0).toarray()
    assert weights[0] == pytest.approx([(n / 6) ** 2 for n in range(1, 7)])
    assert weights[1] == pytest.approx([0, 0, 0, (1 / 3) ** 2, (2 / 3) ** 2, 1])
    assert SOME.where(~last_one(SOME)).matrix(1.0).toarray()[1] == pytest.approx([0, 0, 0, 1 / 2, 1, 0])


def test_an_event_is_tied_to_one_of_the_same_user_alone() -> None:
    # All at one time: of six, three and one event of the users five, two and none have another before them.
    assert replace(SOME, micros=np.zeros(10, np.int64)).tied_fraction() == pytest.approx(7 / 10)
    # At the time of the event before: e3 and e8, each of the same user; e2, of another.
    times = np.array([0, 1, 1, 1, 2, 3, 4, 5, 2, 6]) * 1_000_000
    assert replace(SOME, micros=times).tied_fraction() == pytest.approx(2 / 10)
    assert SOME.tied_fraction() == 0


def test_users_with_both_parts_are_evaluated_on_unseen_items() -> None:
    flags = last_one(SOME)
    part = held_out_of(SOME.where(~flags), SOME.where(flags))
    assert part.users.tolist() == [0, 1]
    recommended = recommend(lambda rows: np.tile(np.arange(6, 0, -1, dtype=np.float32), (len(rows), 1)), part)
    assert recommended[:, :4].tolist() == [[5, -1, -1, -1], [0, 1, 2, 5]]
    # User 0 has one unseen item, a hit; the hit of user 1 has rank 4. Of six items 0, 1, 2 and 5 are recommended.
    figures = evaluate_recommendations(recommended, part)
    assert recommended.shape == (2, K)
    assert figures["recall"] == 1
    assert figures["ndcg"] == pytest.approx((1 + 1 / np.log2(5)) / 2)
    assert figures["coverage"] == pytest.approx(4 / 6)
    assert figures["by_user"] == {"recall": [1, 1], "ndcg": pytest.approx([1, 1 / np.log2(5)])}


@pytest.mark.parametrize(("users", "items"), [(12, 5), (5, 12)])
def test_ease_scores_items_by_its_closed_form(users: int, items: int) -> None:
    draw = np.random.default_rng(2)
    pairs = [(int(user), int(item)) for user, item in np.argwhere(draw.random((users, items)) < 0.5)]
    some = events(*pairs, users=users, items=items)
    fitted, history = some.matrix(1.0).toarray(), some.matrix(2.0).toarray()
    inverse = np.linalg.inv(fitted.T @ fitted + 0.5 * np.eye(items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    scores = ease(some, 0.5, 1.0)(2.0)(np.arange(users))
    assert scores == pytest.approx(history @ weights, abs=1e-4)


def test_a_matrix_that_is_not_positive_definite_has_no_inverse() -> None:
    assert inverse(sparse.csr_matrix([[3.0, 1.0], [1.0, 1.0]]), 1.0) == pytest.approx(np.array([[2, -1], [-1, 4]]) / 7)
    with pytest.raises(np.linalg.LinAlgError):
        inverse(sparse.csr_matrix([[1.0, 2.0], [2.0, 1.0]]), 0.5)


def test_recent_popularity_counts_the_users_of_the_newest_days() -> None:
    some = replace(SOME, micros=np.arange(10, dtype=np.int64) * 86_400_000_000)
    # Days 7, 8 and 9 hold items 4, 5 and 5; day 6 is three days before the newest event.
    assert recent_popularity(some, 3.0)()(np.array([0])).tolist() == [[0, 0, 0, 0, 1, 2]]
