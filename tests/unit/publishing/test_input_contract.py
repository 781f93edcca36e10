"""The raw tables of an earlier version are no fault; those of the contract fit it on every engine."""

from nightjar.publishing.input_contract import check_inputs
from nightjar.warehouse.protocol import Warehouse


def test_a_warehouse_of_an_earlier_version_gets_the_tables_and_columns_that_it_lacks(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("drop table raw.user_vectors")
        connection.execute("alter table raw.item_vectors drop column encoder_sha256")
        connection.execute("alter table raw.item_vectors drop column input_sha256")
        connection.execute(
            "insert into raw.item_vectors (item_id, kind, vector, recorded_at)"
            " values ('i', 'clip', array[1], timestamptz '2026-01-01 00:00:00+00')"
        )
    # As `nightjar run` asks before it writes anything.
    with warehouse.connect(read_only=True) as connection:
        check_inputs(connection)
    warehouse.create_tables()
    with warehouse.connect(read_only=True) as connection:
        check_inputs(connection)
        assert connection.execute("select count(*) from raw.user_vectors").fetchall() == [(0,)]
        kept = connection.execute("select item_id, encoder_sha256, input_sha256 from raw.item_vectors").fetchall()
        assert kept == [("i", None, None)]
