"""Rules every model keeps: its own yml, every column described, one screen or two of SQL, layers, tags."""

import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.support.handmade_warehouses import HandmadeWarehouse

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
MODELS = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "models").rglob("*.sql"))
SQL = sorted(
    path.relative_to(PROJECT).as_posix()
    for path in PROJECT.rglob("*.sql")
    if "portability" not in path.parts and "target" not in path.parts
)

# What only DuckDB understands, or what other engines write otherwise.
ENGINE_SPECIFIC = re.compile(
    r"::|\bqualify\b|\bexclude\b|\bby all\b|\blist_\w+\(|\blen\(|\bfilter\s*\(|\barg_m|\blambda\b|\bstrftime\b",
    re.IGNORECASE,
)

# What a layer may read, besides itself.
LAYERS = {
    "staging": {"raw"},
    "intermediate": {"staging", "core", "recs"},
    "core": {"staging", "intermediate"},
    "marts": {"intermediate", "core", "recs"},
    "recs": {"recs"},
}


@pytest.mark.parametrize("path", MODELS)
def test_a_model_has_a_yml_of_its_name_and_less_than_a_hundred_lines(project: Any, path: str) -> None:
    model = project.manifest.nodes[f"model.nightjar.{Path(path).stem}"]
    assert model.patch_path == f"nightjar://{Path(path).with_suffix('.yml').as_posix()}"
    assert model.description.startswith("One row is ")
    assert len((PROJECT / path).read_text(encoding="utf-8").splitlines()) < 100


@pytest.mark.parametrize("path", SQL)
def test_engine_specific_sql_stands_in_the_portability_macros_only(path: str) -> None:
    code = re.sub(r"--[^\n]*|\{#(.|\n)*?#\}", "", (PROJECT / path).read_text(encoding="utf-8"))
    assert ENGINE_SPECIFIC.findall(code) == []


def test_every_column_is_described_with_the_type_it_has(project: Any, built_warehouse: HandmadeWarehouse) -> None:
    models = [each for each in project.manifest.nodes.values() if each.resource_type == "model"]
    assert len(models) == len(MODELS)
    for model in models:
        nulls = ", ".join(f"cast(null as {each.data_type}) as {each.name}" for each in model.columns.values())
        found = built_warehouse.types(f"select * from {model.schema}.{model.alias}")
        assert found == built_warehouse.types(f"select {nulls}"), model.name
        assert all(each.description for each in model.columns.values()), model.name


def test_a_layer_reads_only_the_layers_before_it(project: Any) -> None:
    manifest = project.manifest
    known = {**manifest.nodes, **manifest.sources}
    for model in (each for each in manifest.nodes.values() if each.resource_type == "model"):
        read = {known[each].schema for each in model.depends_on.nodes}
        assert read <= LAYERS[model.schema] | {model.schema}, model.name


def test_the_three_selections_share_nothing_and_leave_nothing_out(
    project: Any, built_warehouse: HandmadeWarehouse
) -> None:
    def selected(*selection: str) -> list[str]:
        # Exposures are declared and never built, and belong to no selection.
        done = project.dbt(built_warehouse, "ls", "--output", "name", "--exclude-resource-type", "exposure", *selection)
        return sorted(name for name in done.result if not name.startswith("source:") and "." not in name)

    parts = [selected("--select", f"tag:{tag}") for tag in ("inputs", "audit", "marts")]
    assert min(len(part) for part in parts) > 20
    assert sorted(chain.from_iterable(parts)) == selected()


def test_every_test_of_the_project_explains_what_it_expected_and_got(
    project: Any, built_warehouse: HandmadeWarehouse
) -> None:
    for name, query in project.compiled_tests(built_warehouse).items():
        if not name.startswith("relationships_"):
            assert [column for column, _ in built_warehouse.types(query)] == ["what", "expected", "got"], name
