"""Every error that the product builds says in one name what is wrong: programs and tests read that, no sentence."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.places import REPOSITORY
from tests.support.golden import check_file
from tests.support.refusals import refused

PACKAGES = ("dags", "ml", "nightjar", "spark_jobs")
BASES = ("NightjarError", "BadInput", "GateRefused", "RunSkipped")
CODE = re.compile(r"[a-z0-9_]+")
PAGE = """<!-- Generated from the code by tests/unit/test_error_codes.py: make golden renews it. -->

# Codes of errors

A command that does not succeed ends with one line: `[nightjar] error (EXIT CODE, CODE): reason`. `NightjarError` has
exit code 1, `BadInput` 2, `GateRefused` 3, `RunSkipped` 4. `...` stands for a value, or for what the code chooses.

| code | error | message | raised in |
|---|---|---|---|
"""


@cache
def trees() -> dict[str, ast.Module]:
    """The modules of the product by their paths."""
    return {
        str(path.relative_to(REPOSITORY)): ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((REPOSITORY / package).rglob("*.py"))
    }


def kinds_of(modules: dict[str, ast.Module]) -> set[str]:
    """The names of the errors, with those that are derived from them anywhere in the product."""
    kinds, size = set(BASES), 0
    while len(kinds) > size:
        size = len(kinds)
        for tree in modules.values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and any(name_of(base) in kinds for base in node.bases):
                    kinds.add(node.name)
    return kinds


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def kinds_in(node: ast.expr, kinds: set[str]) -> bool:
    """Whether an expression is one of the errors' classes, or chooses between them."""
    if isinstance(node, ast.IfExp):
        return kinds_in(node.body, kinds) or kinds_in(node.orelse, kinds)
    return name_of(node) in kinds


def constructions(tree: ast.Module, kinds: set[str]) -> Iterator[ast.Call]:
    """Yield each call that builds an error, also by a variable that holds its class."""
    variables = {
        name_of(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and kinds_in(node.value, kinds)
        for target in node.targets
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and kinds_in(node.func, kinds | variables):
            yield node


def has_code(call: ast.Call) -> bool:
    """Whether a call passes a code: a literal in lower case, or what a variable or expression holds."""
    code = next((each.value for each in call.keywords if each.arg == "code"), None)
    if isinstance(code, ast.Constant):
        return isinstance(code.value, str) and CODE.fullmatch(code.value) is not None
    return code is not None


def without_code(path: str, source: ast.Module, kinds: set[str]) -> list[str]:
    return [f"{path}:{line}" for line in sorted(c.lineno for c in constructions(source, kinds) if not has_code(c))]


def message(node: ast.expr | None) -> str:
    """The text of an error as the code writes it, with `...` for each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(message(part) for part in node.values)
    return "..."


def reference(modules: dict[str, ast.Module]) -> str:
    """The page about every code that stands in the code as a literal."""
    kinds, rows = kinds_of(modules), set()
    for path, tree in modules.items():
        for call in constructions(tree, kinds):
            codes = [
                each.value.value for each in call.keywords if each.arg == "code" and type(each.value) is ast.Constant
            ]
            kind = name_of(call.func) if name_of(call.func) in kinds else "..."
            text = message(call.args[0] if call.args else None).replace("|", "\\|")
            rows.update((code, kind, f"`{path}`", text) for code in codes)
    return PAGE + "".join(f"| `{code}` | {kind} | {text} | {path} |\n" for code, kind, path, text in sorted(rows))


def test_the_reference_page_lists_every_code() -> None:
    check_file(REPOSITORY / "docs" / "reference" / "errors.md", reference(trees()))


def test_every_error_has_a_code() -> None:
    modules = trees()
    kinds = kinds_of(modules)
    lacking = [place for path, tree in modules.items() for place in without_code(path, tree, kinds)]
    assert lacking == [], "\n".join(["without a code:", *lacking])


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("raise BadInput('no')", [1]),
        ("raise errors.BadInput('no')", [1]),
        ("raise BadInput('no', code='')", [1]),
        ("raise BadInput('no', code='Not a code')", [1]),
        ("raise BadInput('no', code='unknown_column', column='a')", []),
        ("raise BadInput('no', code=code)", []),
        ("x = 1\nkind = BadInput if x else NightjarError\nraise kind('no')", [3]),
        ("raise (GateRefused if x else BadInput)('no')", [1]),
        ("class Busy(NightjarError):\n    pass\nraise Busy('no')", [3]),
        ("raise ValueError('no')", []),
        ("try:\n    pass\nexcept BadInput:\n    raise", []),
    ],
)
def test_a_construction_without_a_code_is_found(source: str, lines: list[int]) -> None:
    tree = ast.parse(source)
    assert without_code("a.py", tree, kinds_of({"a.py": tree})) == [f"a.py:{line}" for line in lines]


def test_a_check_of_a_refusal_notices_another_code_and_another_field() -> None:
    for code, column in (("missing_columns", "a"), ("unknown_column", "b")):
        with pytest.raises(AssertionError), refused(BadInput, code, wording=False, column=column):
            raise BadInput("a is unknown", code="unknown_column", column="a")
