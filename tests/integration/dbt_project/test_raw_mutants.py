"""Every raw table with a null in each required column, with a key twice, and with ids that no other table has.

That a column is missing or of another type is refused before dbt runs: see
tests/reliability/test_bad_inputs_of_runs.py.
"""

from typing import Any

import pytest

from nightjar.contract.tables import RAW, TEXT, TIMESTAMP, VECTOR, Table
from tests.support.handmade_warehouses import HandmadeWarehouse

OBLIGATORY = [(table, column.name) for table in RAW for column in table.columns if not column.nullable]
STAGED = [table for table in RAW if table.name not in ("rejected_rows", "event_weights")]


def insert(table: Table, **given: str) -> str:
    """The statement that inserts a row, of literals; `given` has those of some columns."""
    literals = {TEXT: "'x'", TIMESTAMP: "timestamptz '2026-01-05 00:00:00+00'", VECTOR: "array[1]"}
    values = [given.get(column.name, literals.get(column.type, "1")) for column in table.columns]
    return f"insert into {table.full_name} values ({', '.join(values)})"


def test_a_null_in_each_obligatory_column_fails_a_test_of_the_input_gate(
    project: Any, built_warehouse: HandmadeWarehouse
) -> None:
    queries = project.compiled_tests(built_warehouse)
    missed = []
    for table, column in OBLIGATORY:
        is_caught = built_warehouse.rows(
            queries[f"raw_{table.name}_have_no_nulls"],
            f"alter table {table.full_name} alter column {column} drop not null",
            insert(table, **{column: "null"}),
        )
        if is_caught != [(column, "a value", "1 rows without")]:
            missed.append((table.full_name, column))
    assert missed == []
    assert len(OBLIGATORY) == 42


@pytest.mark.parametrize("table", STAGED, ids=lambda table: table.name)
def test_a_key_that_stands_twice_counts_once(built_warehouse: HandmadeWarehouse, table: Table) -> None:
    staged = f"staging.stg_{table.name}"
    columns = ", ".join(column.name for column in table.columns)
    rows = f"select {columns} from {staged} order by {', '.join(table.key)}"
    once = built_warehouse.rows(rows, insert(table))
    assert len(once) == len(built_warehouse.rows(rows)) + 1
    assert built_warehouse.rows(rows, insert(table), insert(table)) == once
    # Of two rows of one key that differ in all else, one counts.
    other = {name: "'y'" for name in table.column_names if name not in table.key and name.endswith("_id")}
    assert len(built_warehouse.rows(rows, insert(table), insert(table, **other))) == len(once)


def test_ids_that_no_other_table_has_are_events_of_default_items_and_else_nothing(
    project: Any, raw_warehouse: HandmadeWarehouse
) -> None:
    by_name = {table.name: table for table in RAW}
    raw_warehouse.execute(
        insert(by_name["interactions"], user_id="'u-alone'", item_id="'i-alone'", event_type="'view'"),
        insert(by_name["item_features"], item_id="'i-featured'", feature="'genre:Drama'"),
        insert(by_name["user_features"], user_id="'u-featured'", feature="'age:18'"),
        insert(by_name["exposures"], user_id="'u-shown'", item_id="'i-shown'", publication_id="'of nobody'"),
    )
    project.run_facts(raw_warehouse, "2026-01-10", "2026-01-11")
    alone = "select domain, title, is_inferred from core.dim_items where item_id = 'i-alone'"
    assert raw_warehouse.rows(alone) == [("default", "i-alone", True)]
    assert raw_warehouse.rows("select is_inferred from core.dim_users where user_id = 'u-alone'") == [(True,)]
    for side, id_column in (("items", "item_id"), ("users", "user_id")):
        unknown = f"select 1 from core.dim_{side} where {id_column} like '%-featured' or {id_column} like '%-shown'"
        assert raw_warehouse.rows(unknown) == []
    assert raw_warehouse.rows("select publication_id from core.fct_exposures") == [("of nobody",)]
