"""The yml files of the dbt project that repeat the contract of tables, as text: its sources and the published views.

A test holds the files equal to these texts, and `make golden` writes them. What a yml says beyond the contract, as the
unit tests of the views, stands in `dbt_project/models/recs/unit_tests.yml`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nightjar.contract.tables import ALL_TABLES, RAW, STAGED, Table, table

_FIRST_LINE = (
    "# Generated from nightjar/contract/tables by nightjar/warehouse/dbt_properties.py; make golden renews it."
)
_SCHEMAS = {
    "raw": ("What a user of Nightjar fills: append-only, only `interactions` is obligatory.", "inputs"),
    "recs": ("What is published: the rows of every publication, the ledger and the pointer that readers follow.", ""),
    "recs_staging": ("What one attempt wants to publish, until it is audited and moved to `recs`.", "audit"),
}
_OF_POINTER = "; only the publication that the pointer names"
_CURRENT = ("recommendations", "similar_items", "popular_items", "item_embeddings", "user_embeddings")
# Each published view, its table, which of its rows it shows, and what identifies one of them.
_VIEWS = {
    **{f"{each}_current": (each, _OF_POINTER, "publication_id") for each in _CURRENT},
    "recommendations_history": ("recommendations", "; of each data date the last publication", "data_date"),
}
PUBLISHED_VIEWS = {view: table(f"recs.{name}") for view, (name, *_) in _VIEWS.items()}
# The macro get_where_subquery puts the id in its place.
_THIS_PUBLICATION = {"where": "publication_id = '__audited_publication__'"}


def property_files() -> dict[str, str]:
    """Return each generated file of `dbt_project/models` with its text."""
    sources = {f"sources/{schema}.yml": _source(schema) for schema in _SCHEMAS}
    return sources | {f"recs/{view}.yml": _view(view) for view in _VIEWS}


def _source(schema: str) -> str:
    description, tag = _SCHEMAS[schema]
    source = {"name": schema, "schema": schema, "description": description}
    config = {"config": {"tags": [tag]}} if tag else {}
    tables = [_described(each) | _tests(each) | _columns(each) for each in ALL_TABLES if each.schema == schema]
    return _text({"sources": [{**source, **config, "tables": tables}]})


def _view(name: str) -> str:
    source, rows, identity = _VIEWS[name]
    of = table(f"recs.{source}")
    key = [identity, *(column for column in of.key if column != "publication_id")]
    described = {"name": name, "description": f"One row is {of.grain}{rows}."}
    tests = {"data_tests": [{"is_key": {"arguments": {"columns": key}}}]}
    return _text({"models": [described | tests | _columns(of)]})


def _described(each: Table) -> dict[str, Any]:
    return {"name": each.name, "description": f"One row is {each.grain}."}


def _columns(each: Table) -> dict[str, Any]:
    return {"columns": [{"name": one.name, "data_type": one.type, "description": one.meaning} for one in each.columns]}


def _tests(each: Table) -> dict[str, Any]:
    """The data tests of a raw or staged table: what follows from its columns or its key, then its own."""
    if each in RAW:
        needed = [column.name for column in each.columns if not column.nullable]
        tests = [_test(each, "raw", "has_no_nulls", "have_no_nulls", {"columns": needed})]
    elif each in STAGED:
        verb = "has" if each.name == "index_manifest" else "have"
        tests = [_test(each, "staged", "is_key", f"{verb}_one_row_a_key", {"columns": list(each.key)})]
    else:
        return {}
    side = "raw" if each in RAW else "staged"
    tests += [_test(each, side, own.test, own.name, own.arguments) for own in each.tests]
    return {"data_tests": tests}


def _test(each: Table, side: str, test: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"name": f"{side}_{each.name}_{name}", "arguments": dict(arguments)}
    return {test: body | ({"config": _THIS_PUBLICATION} if side == "staged" else {})}


def _text(content: Mapping[str, Any]) -> str:
    return "\n".join([_FIRST_LINE, *_lines(content)]) + "\n"


def _lines(content: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, Sequence) and not isinstance(value, str) and isinstance(value[0], Mapping):
            yield f"{indent}{key}:"
            for each in value:
                first, *rest = _lines(each, f"{indent}    ")
                yield f"{indent}  - {first.lstrip()}"
                yield from rest
        else:
            yield f"{indent}{key}: {_scalar(value, is_text=key in ('description', 'where'))}"


def _scalar(value: Any, *, is_text: bool) -> str:
    """Return a value as YAML: JSON is YAML, and a name needs no quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if is_text else value
    if isinstance(value, Sequence):
        return f"[{', '.join(_scalar(each, is_text=False) for each in value)}]"
    return str(value)
