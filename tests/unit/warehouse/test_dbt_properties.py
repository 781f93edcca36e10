"""The yml files of dbt's sources and published views are those that follow from the contract of the tables."""

import pytest

from nightjar.contract.places import DBT_PROJECT
from nightjar.warehouse.dbt_properties import property_files
from tests.support.golden import check_file


@pytest.mark.parametrize("name", property_files())
def test_a_file_that_repeats_the_contract_is_generated_from_it(name: str) -> None:
    check_file(DBT_PROJECT / "models" / name, property_files()[name])
