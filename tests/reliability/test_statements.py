"""No output can contain a cell that a spreadsheet would run: checked in the source code.

Statements made of text, shells and `eval` are found by ruff's S rules (see pyproject.toml).
"""

import ast
from collections.abc import Iterator

import pytest

from nightjar.contract.places import REPOSITORY

pytestmark = pytest.mark.reliability


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of the product, with the place where it stands."""
    for package in ("nightjar", "ml", "spark_jobs", "dags"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield f"{path.relative_to(REPOSITORY)}:{node.lineno}", node


def test_nothing_exports_csv() -> None:
    # Whoever adds such an export has to escape cells that begin with = + - @ tab or CR: a spreadsheet runs them.
    exports = {"to_csv", "write_csv", "download_button", "DictWriter"}
    for place, call in calls():
        assert getattr(call.func, "attr", getattr(call.func, "id", "")) not in exports, place
        assert ast.unparse(call.func) != "csv.writer", place
