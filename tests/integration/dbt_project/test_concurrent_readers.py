"""A run while analysts read the same DuckDB file."""

import subprocess
import sys
from typing import Any

import psycopg
import pytest

from tests.support.handmade_warehouses import ANALYST, HandmadeDuckDB, HandmadePostgres, HandmadeWarehouse

_READ = """
import duckdb, sys, time
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    print("reading", flush=True)
    time.sleep(2)
"""


def test_dbt_waits_for_a_reader(project: Any, built_warehouse: HandmadeWarehouse) -> None:
    if not isinstance(built_warehouse, HandmadeDuckDB):
        # In PostgreSQL readers block nobody.
        return
    command = [sys.executable, "-c", _READ, str(built_warehouse.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        done = project.dbt(built_warehouse, "run", "--select", "item_titles")
    assert done.success, done.exception


def test_analysts_read_titles_and_histories_though_not_the_facts(built_warehouse: HandmadeWarehouse) -> None:
    query = "select item_id, title, domain, event_type from marts.user_events where user_id = 'u1' order by event_id"
    expected = [("f1", "f1", "films", "view"), ("b1", "b1", "books", "rating")]
    if not isinstance(built_warehouse, HandmadePostgres):
        assert built_warehouse.rows(query) == expected
        return
    with built_warehouse.connect(ANALYST) as connection:
        assert connection.execute(query).fetchall() == expected
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from core.fct_interactions")
