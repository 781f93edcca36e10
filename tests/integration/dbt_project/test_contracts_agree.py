"""dbt reads of the sources and published views what `nightjar/contract/tables` holds, in both directions."""

from typing import Any

import pytest

from nightjar.contract.tables import ALL_TABLES, OUTPUTS, Table, table
from nightjar.warehouse.dbt_properties import PUBLISHED_VIEWS


def contract(columns: Any) -> list[tuple[str, str, str]]:
    return [(column.name, column.data_type, column.description) for column in columns.values()]


def declared(each: Table) -> list[tuple[str, str, str]]:
    return [(column.name, column.type, column.meaning) for column in each.columns]


@pytest.mark.parametrize("full_name", [each.full_name for each in ALL_TABLES])
def test_a_source_agrees_with_the_contract_of_its_table(project: Any, full_name: str) -> None:
    sources = {f"{source.schema}.{source.identifier}": source for source in project.manifest.sources.values()}
    assert sources[full_name].description == f"One row is {table(full_name).grain}."
    assert contract(sources[full_name].columns) == declared(table(full_name))


def test_every_source_has_a_contract(project: Any) -> None:
    sources = {f"{source.schema}.{source.identifier}" for source in project.manifest.sources.values()}
    assert sources == {each.full_name for each in ALL_TABLES}


@pytest.mark.parametrize("view", PUBLISHED_VIEWS)
def test_a_published_view_has_the_columns_of_its_table(project: Any, view: str) -> None:
    model = project.manifest.nodes[f"model.nightjar.{view}"]
    assert contract(model.columns) == declared(PUBLISHED_VIEWS[view])
    assert model.config.contract.enforced


@pytest.mark.parametrize("output", [each.name for each in OUTPUTS])
def test_the_staged_key_is_the_key_of_the_contract(project: Any, output: str) -> None:
    keys = [
        node.test_metadata.kwargs["columns"]
        for node in project.manifest.nodes.values()
        if node.name in (f"staged_{output}_have_one_row_a_key", f"staged_{output}_has_one_row_a_key")
    ]
    assert keys == [list(table(f"recs.{output}").key)]
