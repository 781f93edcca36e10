"""Every staged table with a key twice, with each id replaced by one that nothing knows, and with figures out of range.

Columns that are missing, of another type or null are refused before they are staged: see
tests/reliability/test_artifacts_and_outputs.py.
"""

from collections.abc import Iterator
from typing import Any

from nightjar.contract.tables import DOUBLE, REAL, STAGED, Table
from tests.support.handmade_warehouses import HandmadeWarehouse

PUBLICATION = "2026-01-10.1"
REFERENCES = ("user_id", "item_id", "similar_item_id", "reason_item_id", "domain", "target_domain", "index_name")
MEMBERS = ("source", "kind")
# Times of queries and fits; a model may have any name.
UNJUDGED = {
    ("index_manifest", "latency_p50_ms"),
    ("index_manifest", "latency_p95_ms"),
    ("model_sources", "fit_seconds"),
    ("model_sources", "source"),
}

# What these look for is no change of one value: the mutations beside this file are made for them.
BY_HAND = {
    "staged_embeddings_are_sound",
    "staged_items_are_not_similar_to_themselves",
    "staged_lists_have_no_seen_item",
    "staged_reasons_are_other_items",
    "staged_rows_are_of_the_attempts_date",
    "staged_scores_descend",
}


def changed(table: Table, column: str, value: str) -> str:
    """Set a column of the attempt's first row, in the order of the key."""
    key = [name for name in table.key if name != "publication_id"]
    first = f"select {', '.join(key)} from {table.full_name} where publication_id = '{PUBLICATION}'"
    order = f"order by {column} is null, {', '.join(key)} limit 1"
    return (
        f"update {table.full_name} set {column} = {value} "
        f"where publication_id = '{PUBLICATION}' and ({', '.join(key)}) in ({first} {order})"
    )


def mutants() -> Iterator[tuple[str, str]]:
    for table in STAGED:
        row = f"select * from {table.full_name} where publication_id = '{PUBLICATION}' limit 1"
        yield f"{table.name}: a row twice", f"insert into {table.full_name} {row}"
        for column in table.columns:
            if (table.name, column.name) in UNJUDGED:
                continue
            if column.name in (*REFERENCES, *MEMBERS):
                yield f"{table.name}.{column.name}: unknown", changed(table, column.name, "'zz'")
            if column.type in (REAL, DOUBLE):
                for value in ("nan", "infinity", "-infinity"):
                    yield f"{table.name}.{column.name}: {value}", changed(table, column.name, f"'{value}'")


def failing(queries: dict[str, str], warehouse: HandmadeWarehouse, mutation: str) -> list[str]:
    with warehouse.connect() as connection:
        connection.execute(mutation)
        return [name for name, query in queries.items() if connection.execute(query).fetchall()]


def test_every_duplicate_key_every_unknown_id_and_every_figure_that_is_none_fails_a_test(
    project: Any, audited: HandmadeWarehouse
) -> None:
    queries = {name: query for name, query in project.compiled_tests(audited).items() if name.startswith("staged_")}
    assert failing(queries, audited, "select 1") == []
    caught = {name: failing(queries, audited, mutation) for name, mutation in mutants()}
    assert [name for name, tests in caught.items() if not tests] == []
    # 8 keys, 16 ids and members, 3 values of 10 figures.
    assert len(caught) == 54
    noticed = {test for tests in caught.values() for test in tests}
    assert set(queries) - noticed == BY_HAND
