"""What readers rely on: names and types of the output columns, what they mean, and that something tests them."""

import re
from pathlib import Path
from typing import Any

from nightjar.contract.tables import CONTROL, OUTPUTS
from tests.support.golden import check_file

COLUMNS = Path(__file__).parent / "output_columns.txt"
# How dbt writes the types of nightjar/contract/tables/.
TYPES = {"double": "double precision"}
UNIT = re.compile(r"0 to 1|-1 to 1|difference of shares|own unit|\bbits\b|milliseconds")
# Their columns are those of a table whose rows were audited before they were published.
COPIES = re.compile(r"_(current|history)$")


def outputs(project: Any) -> list[Any]:
    """The models of the schemas that analysts read."""
    models = (node for node in project.manifest.nodes.values() if node.resource_type == "model")
    return sorted((model for model in models if model.schema in ("recs", "marts")), key=lambda model: model.unique_id)


def columns_under_test(project: Any, model: Any) -> set[str]:
    """The columns that the data tests of a model look at."""
    found: set[str] = set()
    for node in project.manifest.nodes.values():
        if getattr(node, "attached_node", None) == model.unique_id and hasattr(node, "test_metadata"):
            arguments = node.test_metadata.kwargs
            found.update(arguments.get("columns", []), [arguments.get("column") or node.column_name])
    return found


def test_no_output_column_was_renamed_retyped_or_dropped(project: Any) -> None:
    # A change here breaks readers: docs/decisions/output-contracts.md says how to make one.
    tables = {
        each.full_name: [(column.name, TYPES.get(column.type, column.type)) for column in each.columns]
        for each in (*OUTPUTS, *CONTROL)
    }
    models = {
        f"{model.schema}.{model.alias}": [(column.name, column.data_type) for column in model.columns.values()]
        for model in outputs(project)
    }
    found = "".join(
        f"{relation}.{name} {of_type}\n"
        for relation, columns in sorted({**tables, **models}.items())
        for name, of_type in columns
    )
    check_file(COLUMNS, found)


def test_dbt_refuses_an_output_whose_columns_are_not_those_of_its_contract(project: Any) -> None:
    assert len(outputs(project)) > 10
    for model in outputs(project):
        assert model.config.contract.enforced, model.name
        assert model.config.on_schema_change in ("ignore", "fail"), model.name


def test_every_output_column_is_tested_or_describes_when_it_is_null(project: Any) -> None:
    for model in outputs(project):
        if not COPIES.search(model.name):
            tested = columns_under_test(project, model)
            described = {column.name for column in model.columns.values() if "null" in column.description}
            assert set(model.columns) <= tested | described, model.name


def test_every_figure_that_is_no_count_has_a_unit(project: Any) -> None:
    figures = [
        (f"{model.name}.{column.name}", column.description)
        for model in outputs(project)
        if model.schema == "marts" or not COPIES.search(model.name)
        for column in model.columns.values()
        if column.data_type in ("double precision", "real")
    ]
    assert len(figures) > 30
    assert [name for name, description in figures if not UNIT.search(description)] == []


def test_a_replaced_version_names_the_end_of_its_support(project: Any) -> None:
    for model in outputs(project):
        if model.version is not None and model.version != model.latest_version:
            assert model.deprecation_date is not None, model.unique_id


def test_declared_readers_read_outputs_only(project: Any) -> None:
    known = {**project.manifest.nodes, **project.manifest.sources}
    read = {node for exposure in project.manifest.exposures.values() for node in exposure.depends_on.nodes}
    assert {known[each].schema for each in read} == {"recs", "marts"}
