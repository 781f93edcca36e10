"""The raw tables of an earlier version are no fault; those of the contract fit it on every engine."""

from nightjar.publishing.input_contract import check_inputs
from nightjar.warehouse.protocol import Warehouse


def test_a_warehouse_of_an_earlier_version_gets_the_tables_that_it_lacks(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("drop table raw.item_vectors")
        connection.execute("drop table raw.user_vectors")
    # As `nightjar run` asks before it writes anything.
    with warehouse.connect(read_only=True) as connection:
        check_inputs(connection)
    warehouse.create_tables()
    with warehouse.connect(read_only=True) as connection:
        check_inputs(connection)
        for table in ("item_vectors", "user_vectors"):
            assert connection.execute(f"select count(*) from raw.{table}").fetchall() == [(0,)]
