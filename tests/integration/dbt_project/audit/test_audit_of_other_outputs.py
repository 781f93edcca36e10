"""One mutation of the other staged tables or of the attempt, one audit test that returns it."""

from typing import Any
from unittest.mock import ANY

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse

MUTATIONS = {
    "similar to itself": (
        "update recs_staging.similar_items set similar_item_id = 'f1' where similar_item_id = 'f2'",
        "staged_items_are_not_similar_to_themselves",
        ("item_id=f1", ANY, "itself at rank 1"),
    ),
    "cosine above 1": (
        "update recs_staging.similar_items set similarity = 1.5 where similar_item_id = 'f2'",
        "staged_similar_items_have_cosines",
        ("similarity", "from -1.0001 to 1.0001", "1.5 in 1 rows"),
    ),
    "NaN cosine": (
        "update recs_staging.similar_items set similarity = 'nan' where similar_item_id = 'f2'",
        "staged_similar_items_have_cosines",
        ("similarity", "from -1.0001 to 1.0001", "nan in 1 rows"),
    ),
    "similar item of another domain": (
        "update recs_staging.similar_items set similar_item_id = 'b2' where similar_item_id = 'f2'",
        "staged_items_are_available",
        ("similar_items item_id=b2", ANY, "item of books"),
    ),
    "NaN in an embedding": (
        "update recs_staging.item_embeddings set embedding = array[1.0, cast('nan' as real)] where item_id = 'f1'",
        "staged_embeddings_are_sound",
        ("item_id=f1", "2 finite elements", "2 elements, 1 not finite"),
    ),
    "embedding of another dimension": (
        "update recs_staging.user_embeddings set embedding = array[1.0]",
        "staged_embeddings_are_sound",
        ("user_id=u1", "2 finite elements", "1 elements, 0 not finite"),
    ),
    "unavailable popular item": (
        "update recs_staging.popular_items set item_id = 'f5' where item_id = 'f1'",
        "staged_items_are_available",
        ("popular_items item_id=f5", ANY, "not available"),
    ),
    "domain without popular items": (
        "delete from recs_staging.popular_items where domain = 'films'",
        "staged_tables_are_complete",
        ("popular_items of segment all in films", 1, 0),
    ),
    "one index only": (
        "delete from recs_staging.index_manifest where index_name = 'similarity'",
        "staged_tables_are_complete",
        ("index_manifest of retrieval and similarity", 2, 1),
    ),
    "no baseline": (
        "delete from recs_staging.model_metrics where model = 'popularity'",
        "staged_tables_are_complete",
        ("models with recall on all: nightjar and popularity", 2, 1),
    ),
    "no recall of an index that items can ask": (
        "update recs_staging.index_manifest set recall = null where index_name = 'similarity'",
        "staged_tables_are_complete",
        ("recall of similarity", 1, 0),
    ),
    "no recall of an index that users can ask": (
        "update recs_staging.index_manifest set recall = null, item_count = 1 where index_name = 'retrieval'",
        "staged_tables_are_complete",
        ("recall of retrieval", 1, 0),
    ),
    "no recall although users have a holdout": (
        "update recs_staging.model_metrics set value = null where model = 'nightjar'",
        "staged_tables_are_complete",
        ("models with recall on all: nightjar and popularity", 2, 1),
    ),
    "a model without embeddings": (
        "delete from recs_staging.model_sources where source = 'lightfm'",
        "staged_tables_are_complete",
        ("model_sources of lightfm", 1, 0),
    ),
    "another data date": (
        "update recs_staging.user_embeddings set data_date = date '2026-01-09'",
        "staged_rows_are_of_the_attempts_date",
        ("user_embeddings", "2026-01-10", "2026-01-09 in 1 rows"),
    ),
    "an attempt that saw less": (
        "delete from recs_staging.snapshot_interactions where item_id = 'b1'",
        "staged_lists_are_full",
        ("user_id=u1 domain=books", "2 items", "1 items"),
    ),
    "an attempt that saw less, held to the facts": (
        "delete from recs_staging.snapshot_users; delete from recs_staging.snapshot_interactions; "
        "update recs.publication_attempts set ingested_before = '2026-01-11 05:00:00+00'",
        "staged_lists_are_full",
        # u1's event with b1 and the only one with x1 arrived later: b1 is unseen, x1 is an unknown item.
        ("user_id=u1 domain=books", "2 items", "1 items"),
    ),
    "an attempt that never began": (
        "delete from recs.publication_attempts",
        "staged_tables_are_complete",
        ("the audited attempt", 1, 0),
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_faulty_output_is_returned_with_what_was_expected(
    project: Any, audited: HandmadeWarehouse, mutation: str
) -> None:
    statement, test, row = MUTATIONS[mutation]
    assert row in project.failing_rows(audited, statement, test)


def test_a_sound_attempt_passes_the_audit_beside_a_faulty_one(project: Any, audited: HandmadeWarehouse) -> None:
    done = project.dbt(audited, "test", "--select", "tag:audit")
    assert done.success, [(each.node.name, each.message) for each in done.result if each.status != "pass"]
    assert len(done.result) > 25


def test_the_audit_refuses_to_run_without_a_publication(project: Any, audited: HandmadeWarehouse) -> None:
    done = project.dbt(audited, "test", "--select", "tag:audit", publication_id=None)
    messages = [each.message for each in done.result if each.node.name == "staged_lists_are_full"]
    assert "publication_id" in messages[0]


@pytest.mark.parametrize(
    "statements",
    [
        ["update recs_staging.index_manifest set recall = null, item_count = 1 where index_name = 'similarity'"],
        ["update recs_staging.index_manifest set recall = null, item_count = 0"],
        [
            "update recs_staging.index_manifest set recall = null where index_name = 'retrieval'",
            "delete from recs_staging.user_embeddings where publication_id = '2026-01-10.1'",
        ],
        ["update recs_staging.model_metrics set value = null, users = 0"],
    ],
)
def test_an_index_without_queries_needs_no_recall(
    project: Any, audited: HandmadeWarehouse, statements: list[str]
) -> None:
    queries = project.compiled_tests(audited)
    for test in ("staged_tables_are_complete", "staged_index_manifest_has_recall_from_0_to_1"):
        assert audited.rows(queries[test], *statements) == []
