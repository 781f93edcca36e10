"""What the stages rely on, whatever the engine; each test runs on all of them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.tables import ALL_TABLES, table
from nightjar.publishing.output_rows import arrow_schema
from nightjar.warehouse.protocol import Warehouse, changed_rows, insert_row
from tests.support.refusals import refused

DAY = date(2026, 3, 31)
SIMILAR = table("recs_staging.similar_items")
AWKWARD = [
    "plain",
    'a "quoted" word',
    "it's",
    "two\nlines\r\nand\ta tab",
    "\\N",
    "\\.",
    "\\.\n\\.",
    "c:\\new\\table",
    ",",
    "",
    " ",
    "NULL",
    "null",
    "{1,2}",
    "Ünïcödé \u4f60\u597d \U0001f600",
    "\u00e9 e\u0301",
    "\x01\x1f\x7f",
    "%s ? $1 $name",
]


def write_similar(folder: Path, *similarities: float, item_id: str = "i1") -> Path:
    """Write one output file: an item with similar items i2, i3, ..."""
    folder.mkdir(exist_ok=True)
    rows = [
        {
            "item_id": item_id,
            "target_domain": "films",
            "rank": rank,
            "similar_item_id": f"i{rank + 1}",
            "similarity": each,
        }
        for rank, each in enumerate(similarities, 1)
    ]
    pq.write_table(pa.Table.from_pylist(rows, arrow_schema("similar_items")), folder / "part-0.parquet")
    return folder


def rows(warehouse: Warehouse, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()


def test_every_contract_becomes_a_table_and_creating_twice_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.create_tables()
    found: dict[str, list[str]] = {}
    for name, column in rows(
        warehouse,
        "select table_schema || '.' || table_name, column_name from information_schema.columns "
        "where table_schema in ('raw', 'recs', 'recs_staging') order by 1, ordinal_position",
    ):
        found.setdefault(name, []).append(column)
    assert found == {each.full_name: list(each.column_names) for each in ALL_TABLES}


def test_a_warehouse_of_an_earlier_version_gets_the_columns_that_came_since_and_keeps_its_rows(
    warehouse: Warehouse,
) -> None:
    decision = {"publication_id": "2026-03-31.1", "data_date": DAY, "gate": "popularity", "verdict": "passed"}
    later = ("metric", "lead_low", "lead_high")
    with warehouse.connect() as connection:
        for column in later:
            connection.execute(f"alter table recs.gate_decisions drop column {column}")
        connection.execute("alter table recs_staging.recommendations drop column score")
        insert_row(connection, "recs.gate_decisions", decision | {"reason": "ahead", "decided_at": datetime.now(UTC)})
    warehouse.create_tables()
    assert rows(warehouse, f"select gate, {', '.join(later)} from recs.gate_decisions") == [
        ("popularity", None, None, None)
    ]
    # It was empty, so that no row lacks what every row needs.
    assert rows(
        warehouse,
        "select is_nullable from information_schema.columns where table_schema = 'recs_staging' "
        "and table_name = 'recommendations' and column_name = 'score'",
    ) == [("NO",)]


def test_a_column_that_the_contract_now_allows_to_be_null_may_be_null(warehouse: Warehouse) -> None:
    insert = (
        "insert into recs.index_manifest (publication_id, data_date, index_name, recall) values (?, ?, 'similarity', ?)"
    )
    needed = ("uri", "sha256", "metric", "dim", "item_count", "m", "ef_construction", "ef", "recall_k")
    with warehouse.connect() as connection:
        for column in needed:
            connection.execute(f"alter table recs.index_manifest alter column {column} drop not null")
        connection.execute("alter table recs.index_manifest alter column recall set not null")
        connection.execute(insert, ["2026-03-30.1", DAY, 1.0])
    warehouse.create_tables()
    with warehouse.connect() as connection:
        connection.execute(insert, ["2026-03-31.1", DAY, None])
    assert rows(warehouse, "select recall from recs.index_manifest order by publication_id") == [(1.0,), (None,)]


def test_rows_without_a_column_that_every_row_needs_are_left_alone_and_named(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        insert_row(connection, "raw.users", {"user_id": "u1", "recorded_at": datetime(2026, 1, 1, tzinfo=UTC)})
        connection.execute("alter table raw.users drop column recorded_at")
        connection.execute("alter table recs.gate_decisions drop column metric")
    with refused(BadInput, "incompatible_version", wording=False, table="raw.users", columns=["recorded_at"]):
        warehouse.create_tables()
    query = "select column_name from information_schema.columns where table_name = 'gate_decisions'"
    assert ("metric",) not in rows(warehouse, query)


def test_a_failed_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    with pytest.raises(RuntimeError), warehouse.transaction() as connection:
        connection.execute("insert into raw.users values ('u1', null, timestamptz '2026-01-01 00:00:00+00')")
        raise RuntimeError
    assert rows(warehouse, "select count(*) from raw.users") == [(0,)]


def test_both_kinds_of_placeholder_carry_any_text_and_quoted_marks_stay(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        for text in AWKWARD:
            assert connection.execute("select cast(? as text), '50 %? $x' -- ? 100 %\n", [text]).fetchall() == [
                (text, "50 %? $x")
            ]
            named = connection.execute("select cast($text as text), 7 % $by", {"text": text, "by": 4}).fetchall()
            assert named == [(text, 3)]
        assert connection.execute("select '50 %? $x'").fetchall() == [("50 %? $x",)]


def test_the_rows_that_a_statement_changed_are_counted(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        for user in ("u1", "u2", "u3"):
            insert_row(connection, "raw.users", {"user_id": user, "recorded_at": datetime(2026, 1, 1, tzinfo=UTC)})
        delete = "delete from raw.users where user_id = any(?)"
        assert changed_rows(connection.execute(delete, [["u1", "u3", "x"]])) == 2
        assert changed_rows(connection.execute(delete, [[]])) == 0


def test_who_only_reads_cannot_write(warehouse: Warehouse) -> None:
    # DuckDB refuses the statement itself.
    with (
        pytest.raises((duckdb.InvalidInputException, BadInput)) as caught,
        warehouse.connect(read_only=True) as connection,
    ):
        connection.execute("delete from raw.users")
    assert isinstance(caught.value, duckdb.Error) or caught.value.code == "permission_denied"


def test_loading_replaces_only_the_rows_of_its_publication(warehouse: Warehouse, tmp_path: Path) -> None:
    one, two = write_similar(tmp_path / "1", 0.5), write_similar(tmp_path / "2", 0.25, 0.125)
    assert warehouse.load({SIMILAR: one}, "2026-03-31.1", DAY) == [1]
    assert warehouse.load({SIMILAR: one}, "2026-03-31.2", DAY) == [1]
    assert warehouse.load({SIMILAR: two}, "2026-03-31.2", DAY) == [2]
    assert rows(
        warehouse, "select publication_id, data_date, rank, similarity from recs_staging.similar_items order by 1, 3"
    ) == [
        ("2026-03-31.1", DAY, 1, 0.5),
        ("2026-03-31.2", DAY, 1, 0.25),
        ("2026-03-31.2", DAY, 2, 0.125),
    ]


def test_several_tables_are_loaded_in_turn_and_the_one_that_does_not_fit_is_named(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    similar, none = write_similar(tmp_path / "similar", 0.5, 0.25), tmp_path / "none"
    embeddings = tmp_path / "embeddings"
    embeddings.mkdir()
    one = [{"item_id": "i1", "embedding": [1.0, 2.0], "bias": 0.5, "source": "trained"}]
    pq.write_table(pa.Table.from_pylist(one, arrow_schema("item_embeddings")), embeddings / "part-0.parquet")
    items, users = (table(f"recs_staging.{name}_embeddings") for name in ("item", "user"))
    assert warehouse.load({SIMILAR: similar, items: embeddings}, "2026-03-31.1", DAY) == [2, 1]
    of_users = {"path": none, "table": "recs_staging.user_embeddings"}
    with refused(NightjarError, "rows_do_not_fit", wording=False, **of_users):
        warehouse.load({SIMILAR: similar, users: none, items: embeddings}, "2026-03-31.1", DAY)
    counts = ", ".join(f"(select count(*) from {each.full_name})" for each in (SIMILAR, items, users))
    assert rows(warehouse, f"select {counts}") == [(2, 1, 0)]


def test_a_key_that_occurs_twice_is_loaded_for_the_audit_to_find(warehouse: Warehouse, tmp_path: Path) -> None:
    folder = write_similar(tmp_path / "1", 0.5)
    pq.write_table(pq.read_table(folder / "part-0.parquet"), folder / "part-1.parquet")
    assert warehouse.load({SIMILAR: folder}, "2026-03-31.1", DAY) == [2]
    assert rows(warehouse, "select count(*), count(distinct rank) from recs_staging.similar_items") == [(2, 1)]


def test_a_file_without_a_column_of_the_table_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    pq.write_table(pa.table({"item_id": ["i1"]}), tmp_path / "part.parquet")
    with refused(NightjarError, "rows_do_not_fit", wording=False, table="recs_staging.similar_items") as caught:
        warehouse.load({SIMILAR: tmp_path}, "2026-03-31.1", DAY)
    assert "target_domain" in str(caught.value)


def test_a_folder_without_files_and_a_null_where_none_may_be_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    with refused(NightjarError, "rows_do_not_fit", wording=False, table="recs_staging.similar_items"):
        warehouse.load({SIMILAR: tmp_path}, "2026-03-31.1", DAY)
    folder = write_similar(tmp_path / "1", 0.5)
    nulls = pq.read_table(folder).set_column(3, "similar_item_id", pa.array([None], pa.string()))
    pq.write_table(nulls, folder / "part-0.parquet")
    with refused(NightjarError, "rows_do_not_fit", wording=False, table="recs_staging.similar_items") as caught:
        warehouse.load({SIMILAR: folder}, "2026-03-31.1", DAY)
    assert "similar_item_id" in str(caught.value)
    assert rows(warehouse, "select count(*) from recs_staging.similar_items") == [(0,)]


def test_every_text_float_and_vector_is_loaded_as_it_is(warehouse: Warehouse, tmp_path: Path) -> None:
    numbers = [0.1, -0.0, 1e-45, 3.4028235e38, float("inf"), float("-inf"), float("nan")]
    vectors = [numbers, [], [1.0]] * 6
    embeddings = pa.table(
        {
            "item_id": AWKWARD,
            "embedding": vectors,
            "bias": (numbers * 3)[: len(AWKWARD)],
            "source": ["trained"] * len(AWKWARD),
        },
        arrow_schema("item_embeddings"),
    )
    # A slice keeps what lies before and after it in its buffers.
    pq.write_table(embeddings, tmp_path / "part-0.parquet", row_group_size=5)
    assert warehouse.load({table("recs_staging.item_embeddings"): tmp_path}, "2026-03-31.1", DAY) == [len(AWKWARD)]
    found = rows(warehouse, "select item_id, embedding, bias from recs_staging.item_embeddings")
    expected = {row["item_id"]: (row["embedding"], row["bias"]) for row in embeddings.to_pylist()}
    assert {item: repr((list(vector), bias)) for item, vector, bias in found} == {
        item: repr(each) for item, each in expected.items()
    }


def test_files_of_a_wider_type_and_nulls_where_they_may_be_are_loaded(warehouse: Warehouse, tmp_path: Path) -> None:
    lists = pa.table(
        {
            "user_id": ["u1", "u1"],
            "domain": ["films", "films"],
            "rank": pa.array([1, 2], pa.int64()),
            "item_id": ["i1", "i2"],
            "score": pa.array([0.5, 0.25], pa.float64()),
            "source": pa.array(["personal", "popular"]).dictionary_encode(),
            "contributions": pa.array(['{"lightfm":0.5}', None], pa.large_string()),
            "reason_item_id": pa.array(["i9", None], pa.large_string()),
        }
    )
    pq.write_table(lists, tmp_path / "part.parquet")
    warehouse.load({table("recs_staging.recommendations"): tmp_path}, "2026-03-31.1", DAY)
    assert rows(
        warehouse,
        "select rank, score, source, contributions, reason_item_id from recs_staging.recommendations order by rank",
    ) == [(1, 0.5, "personal", '{"lightfm":0.5}', "i9"), (2, 0.25, "popular", None, None)]


def test_unloaded_files_have_the_same_types_order_and_values(warehouse: Warehouse, tmp_path: Path) -> None:
    at = datetime(2026, 3, 31, 12, 30, 0, 123456, tzinfo=UTC)
    with warehouse.transaction() as connection:
        for number, text in enumerate(AWKWARD):
            value = [0.1, None, float("nan"), float("inf"), 1e300, -5e-324][number % 6]
            row = {"event_id": text, "user_id": "u", "item_id": "i", "event_type": "view", "value": value}
            insert_row(connection, "raw.interactions", row | {"occurred_at": at, "ingested_at": at})
    columns = "event_id, value, occurred_at, data_date, is_long, rank, count, score, nothing"
    query = f"""select {columns} from (
            select *, date '2026-03-31' as data_date, length(event_id) > 5 as is_long, 7 as rank,
                cast(3000000000 as bigint) as count, cast(0.1 as real) as score, nullif(event_id, event_id) as nothing
            from raw.interactions
        ) as events where occurred_at < $as_of order by event_id"""
    target = tmp_path / "snapshot" / "events.parquet"
    empty = tmp_path / "snapshot" / "empty.parquet"
    found = warehouse.unload(
        {
            target: (query, {"as_of": datetime(9999, 1, 1, tzinfo=UTC)}),
            empty: (query, {"as_of": datetime(1970, 1, 1, tzinfo=UTC)}),
        }
    )
    assert found == [len(AWKWARD), 0]
    assert sorted(path.name for path in target.parent.iterdir()) == ["empty.parquet", "events.parquet"]
    unloaded = pq.read_table(target)
    kinds = {
        "event_id": pa.string(),
        "value": pa.float64(),
        "occurred_at": pa.timestamp("us", tz="UTC"),
        "data_date": pa.date32(),
        "is_long": pa.bool_(),
        "rank": pa.int32(),
        "count": pa.int64(),
        "score": pa.float32(),
        "nothing": pa.string(),
    }
    for schema in (unloaded.schema, pq.read_schema(empty)):
        assert {field.name: field.type for field in schema} == kinds
    # By their bytes, as every engine, Arrow and Spark sort them.
    assert unloaded["event_id"].to_pylist() == sorted(AWKWARD, key=str.encode)
    values = dict(zip(unloaded["event_id"].to_pylist(), unloaded["value"].to_pylist(), strict=True))
    assert [repr(values[text]) for text in AWKWARD[:6]] == ["0.1", "None", "nan", "inf", "1e+300", "-5e-324"]
    assert set(unloaded["occurred_at"].to_pylist()) == {at}
    assert unloaded["nothing"].null_count == len(AWKWARD)
