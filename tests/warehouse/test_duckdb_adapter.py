import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from warehouse.adapters.duckdb import DuckDBWarehouse
from warehouse.errors import BadInput, NightjarError
from warehouse.tables import ALL_TABLES, table


def test_every_contract_becomes_a_table_and_creating_twice_changes_nothing(warehouse: DuckDBWarehouse) -> None:
    warehouse.create_tables()
    with warehouse.connect(read_only=True) as connection:
        found = connection.execute(
            "select table_schema || '.' || table_name, list(column_name order by ordinal_position) "
            "from information_schema.columns group by all"
        ).fetchall()
    assert dict(found) == {each.full_name: list(each.column_names) for each in ALL_TABLES}


def test_a_failed_transaction_leaves_nothing(warehouse: DuckDBWarehouse) -> None:
    with pytest.raises(RuntimeError), warehouse.transaction() as connection:
        connection.execute("insert into raw.users values ('u1', null, timestamptz '2026-01-01 00:00:00+00')")
        raise RuntimeError
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from raw.users").fetchall() == [(0,)]


def test_loading_replaces_only_the_rows_of_its_publication(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    similar = table("recs_staging.similar_items")
    for number, score in ((1, 0.5), (2, 0.25)):
        folder = tmp_path / str(number)
        folder.mkdir()
        duckdb.sql(
            f"select 'i1' as item_id, 'films' as target_domain, 1::integer as rank, 'i2' as similar_item_id, "
            f"{score}::real as similarity"
        ).write_parquet(str(folder / "part.parquet"))
    day = {"data_date": "2026-03-31"}
    assert warehouse.load(similar, tmp_path / "1", {"publication_id": "2026-03-31.1", **day}) == 1
    assert warehouse.load(similar, tmp_path / "1", {"publication_id": "2026-03-31.2", **day}) == 1
    assert warehouse.load(similar, tmp_path / "2", {"publication_id": "2026-03-31.2", **day}) == 1
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            "select publication_id, similarity from recs_staging.similar_items order by publication_id"
        ).fetchall()
    assert rows == [("2026-03-31.1", 0.5), ("2026-03-31.2", 0.25)]


def test_a_file_without_a_column_of_the_table_is_named(warehouse: DuckDBWarehouse, tmp_path: Path) -> None:
    duckdb.sql("select 'i1' as item_id").write_parquet(str(tmp_path / "part.parquet"))
    with pytest.raises(NightjarError, match=r"does not fit recs_staging.similar_items: .*target_domain"):
        warehouse.load(
            table("recs_staging.similar_items"), tmp_path, {"publication_id": "p", "data_date": "2026-03-31"}
        )


def test_a_reader_of_a_missing_warehouse_is_told_to_import(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="does not exist: import data first"),
        DuckDBWarehouse(tmp_path / "no.duckdb").connect(read_only=True),
    ):
        pass


def test_a_writer_waits_for_another_process(warehouse: DuckDBWarehouse) -> None:
    holder = (
        "import duckdb, sys\n"
        f"connection = duckdb.connect({str(warehouse.path)!r})\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "open\n"
        with (
            pytest.raises(NightjarError, match="was busy for 0 s"),
            DuckDBWarehouse(warehouse.path, busy_deadline_seconds=0).connect(),
        ):
            pass
        process.stdin.write("go\n")
        process.stdin.flush()
        with warehouse.connect() as connection:
            assert connection.execute("select 1").fetchall() == [(1,)]
