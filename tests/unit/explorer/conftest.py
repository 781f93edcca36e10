"""Two weeks of publications, laid by hand."""

import pytest

from nightjar.contract.settings import Settings
from nightjar.warehouse.protocol import Warehouse
from tests.support.two_weeks import lay_built_tables, lay_fortnight


@pytest.fixture
def two_weeks(warehouse: Warehouse, settings: Settings) -> Settings:
    with warehouse.transaction() as connection:
        lay_built_tables(connection)
        lay_fortnight(connection)
    return settings
