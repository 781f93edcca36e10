"""One mutation of the staged recommendations, one audit test that returns it with what was expected."""

from typing import Any
from unittest.mock import ANY

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse

PUBLICATION = "2026-01-10.1"
REC = "recs_staging.recommendations"
U1 = f"publication_id = '{PUBLICATION}' and user_id = 'u1' and domain = 'films'"

MUTATIONS = {
    "seen item": (
        f"update {REC} set item_id = 'f1' where {U1} and rank = 2",
        "staged_lists_have_no_seen_item",
        ("user_id=u1", ANY, "f1 at rank 2"),
    ),
    "gap in the ranks": (
        f"update {REC} set rank = 3 where {U1} and rank = 2",
        "staged_recommendations_have_no_gap_in_ranks",
        ("user_id=u1 domain=films", "rank 2", "rank 3"),
    ),
    "ranks from 0": (
        f"update {REC} set rank = rank - 1 where {U1}",
        "staged_recommendations_have_no_gap_in_ranks",
        ("user_id=u1 domain=films", "rank 1", "rank 0"),
    ),
    "short list": (
        f"delete from {REC} where {U1} and rank = 2",
        "staged_lists_are_full",
        ("user_id=u1 domain=films", "2 items", "1 items"),
    ),
    "no list": (
        f"delete from {REC} where user_id = 'u3' and domain = 'books'",
        "staged_lists_are_full",
        ("user_id=u3 domain=books", "2 items", "0 items"),
    ),
    "list longer than K": (
        f"insert into {REC} select publication_id, data_date, user_id, domain, 3, 'f4', 0.1, source, null, null "
        f"from {REC} where {U1} and rank = 1",
        "staged_lists_are_full",
        ("user_id=u1 domain=films", "2 items", "3 items"),
    ),
    "unavailable item": (
        f"update {REC} set item_id = 'f5' where {U1} and rank = 2",
        "staged_items_are_available",
        ("recommendations item_id=f5", ANY, "not available"),
    ),
    "unknown item": (
        f"update {REC} set item_id = 'zz' where {U1} and rank = 2",
        "staged_items_are_available",
        ("recommendations item_id=zz", ANY, "unknown item"),
    ),
    "item of another domain": (
        f"update {REC} set item_id = 'b2' where {U1} and rank = 2",
        "staged_items_are_available",
        ("recommendations item_id=b2", ANY, "item of books"),
    ),
    "NaN score": (
        f"update {REC} set score = 'nan' where {U1} and rank = 2",
        "staged_recommendations_have_finite_scores",
        ("score", ANY, "nan in 1 rows"),
    ),
    "rising score": (
        f"update {REC} set score = 1.5 where {U1} and rank = 2",
        "staged_scores_descend",
        ("user_id=u1 domain=films rank=2", "at most 1", 1.5),
    ),
    "item twice": (
        f"update {REC} set item_id = 'f2' where {U1} and rank = 2",
        "staged_recommendations_have_no_item_twice",
        (f"publication_id={PUBLICATION} user_id=u1 domain=films item_id=f2", ANY, "2 rows"),
    ),
    "row twice": (
        f"insert into {REC} select * from {REC} where {U1} and rank = 1",
        "staged_recommendations_have_one_row_a_key",
        (f"publication_id={PUBLICATION} user_id=u1 domain=films rank=1", ANY, "2 rows"),
    ),
    "unknown source": (
        f"update {REC} set source = 'magic' where {U1} and rank = 2",
        "staged_recommendations_have_known_sources",
        ("source", "personal, fold_in, cold_user, segment_popular, popular", "magic in 1 rows"),
    ),
    "unknown user": (
        f"update {REC} set user_id = 'u9' where {U1}",
        "staged_rows_refer_to_known_ids",
        ("recommendations user_id=u9", ANY, "none"),
    ),
    "reason the user never saw": (
        f"update {REC} set reason_item_id = 'f4' where {U1} and rank = 1",
        "staged_rows_refer_to_known_ids",
        ("recommendations user_id=u1 reason_item_id=f4", ANY, "none"),
    ),
}


MUTATIONS["an item as its own reason"] = (
    f"update {REC} set reason_item_id = item_id where {U1} and rank = 1",
    "staged_reasons_are_other_items",
    ("user_id=u1 domain=films", ANY, "f2 for itself at rank 1"),
)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_faulty_list_is_returned_with_what_was_expected(
    project: Any, audited: HandmadeWarehouse, mutation: str
) -> None:
    statement, test, row = MUTATIONS[mutation]
    assert row in project.failing_rows(audited, statement, test)


SEEN_AGAIN = f"update {REC} set item_id = 'f1' where {U1} and rank = 2"
# 2 days before the attempt's end to the instant, and one microsecond later.
EXACTLY, LATER = (
    f"update recs_staging.snapshot_interactions set last_occurred_at = '{at}' where user_id = 'u1' and item_id = 'f1'"
    for at in ("2026-01-09 00:00:00+00", "2026-01-09 00:00:00.000001+00")
)


@pytest.mark.parametrize(
    ("days", "statements", "is_refused"),
    [
        # u1 saw f1 on 8 January at 10:00, more than two days and less than three before the attempt's end.
        ('{"films": 2}', [SEEN_AGAIN], False),
        ('{"*": 2, "books": 9}', [SEEN_AGAIN], False),
        ('{"films": 3}', [SEEN_AGAIN], True),
        ('{"books": 0}', [SEEN_AGAIN], True),
        ('{"films": 3, "*": 0}', [SEEN_AGAIN], True),
        ('{"films": 2}', [SEEN_AGAIN, EXACTLY], False),
        ('{"films": 2}', [SEEN_AGAIN, LATER], True),
        # What a domain is called is no part of the statement.
        ("""{"it's; --": 1}""", [SEEN_AGAIN], True),
    ],
)
def test_an_item_that_may_come_back_is_sound_and_one_that_may_not_yet_is_returned(
    project: Any, audited: HandmadeWarehouse, days: str, statements: list[str], is_refused: bool
) -> None:
    query = compiled(project, audited, "staged_lists_have_no_seen_item", days)
    found = [("user_id=u1", ANY, "f1 at rank 2")] if is_refused else []
    assert audited.rows(query, *statements) == found


def test_where_items_repeat_a_list_without_them_is_not_full(project: Any, audited: HandmadeWarehouse) -> None:
    full = compiled(project, audited, "staged_lists_are_full", '{"default": 0}')
    # u3 has seen the only item of the domain, and has no top-K list there.
    assert audited.rows(full) == [("user_id=u3 domain=default", "1 items", "0 items")]
    assert audited.rows(compiled(project, audited, "staged_lists_are_full", '{"default": 1}')) == []


def compiled(project: Any, warehouse: HandmadeWarehouse, test: str, days: str) -> str:
    done = project.dbt(warehouse, "compile", "--select", test, repeat_after_days=days)
    assert done.success, done.exception
    [result] = done.result
    return str(result.node.compiled_code)
