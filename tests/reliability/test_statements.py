"""No statement and no command is made of what somebody else wrote: read from the code, not from what it does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.settings import REPOSITORY

pytestmark = pytest.mark.reliability

RUNS_SQL = {"execute", "executemany", "sql", "query", "copy", "read_sql"}
BEGINS_AS_SQL = re.compile(
    r"\s*(with|select|insert|create|drop|alter|delete|update|analyze|copy|from|grant|revoke|truncate|set|union) ", re.I
)
# A module's constants and functions of constants, whose own text is walked where it is put together, and names in
# warehouse/tables.py.
CONSTANT = re.compile(r"_?[A-Z][A-Z_]*(\.format\(key='\w+'\))?|', '\.join\(_?[A-Z_]+\)|\w+\('\w+'\)|\w+\.full_name")
ALLOWED = Path(__file__).with_name("sql_parts.txt")


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in ("warehouse", "ml", "spark_jobs", "dags"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            yield str(path.relative_to(REPOSITORY)), ast.parse(path.read_text(encoding="utf-8"))


def function_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_joined(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return isinstance(node, ast.Call) and function_name(node) == "format"


def parts(tree: ast.AST) -> Iterator[str]:
    """Each expression that becomes text of a statement: in the call that runs it, or where it is put together."""
    run = {
        id(node)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and function_name(call) in RUNS_SQL
        for node in (ast.walk(call.args[0]) if call.args else ())
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            begin = node.values[0] if node.values else None
            is_sql = isinstance(begin, ast.Constant) and BEGINS_AS_SQL.match(str(begin.value))
            if is_sql or id(node) in run:
                yield from (ast.unparse(each.value) for each in node.values if isinstance(each, ast.FormattedValue))
        elif id(node) in run and is_joined(node):
            yield ast.unparse(node)


def test_what_becomes_text_of_a_statement_is_listed_with_its_reason() -> None:
    found = {f"{path}: {part}" for path, tree in modules() for part in parts(tree) if not CONSTANT.fullmatch(part)}
    text = ALLOWED.read_text(encoding="utf-8")
    assert {line for line in text.splitlines() if line and not line.startswith("#")} == found
    assert all(section.startswith("# ") for section in text.split("\n\n"))


@pytest.mark.parametrize(
    "line",
    [
        "c.execute(f'select 1 from t where id = {user}')",
        "c.execute('select 1 where id = ' + user)",
        "c.execute('select 1 where id = %s' % user)",
        "c.execute('select 1 where id = {}'.format(user))",
        "statement = f'select {user}'",
    ],
)
def test_a_statement_made_of_text_is_found(line: str) -> None:
    assert any("user" in part for part in parts(ast.parse(line)))


def test_no_command_goes_through_a_shell() -> None:
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                shells = [each for each in node.keywords if each.arg == "shell"]
                assert shells == [], f"{path}:{node.lineno}"
                called = ast.unparse(node.func)
                assert called not in ("os.system", "os.popen", "subprocess.getoutput", "eval", "exec"), path
            if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1:
                words = [each.value for each in node.elts[:2] if isinstance(each, ast.Constant)]
                assert words not in (["sh", "-c"], ["bash", "-c"]), f"{path}:{node.lineno}"


def test_nothing_exports_csv() -> None:
    # Whoever adds such an export has to escape cells that begin with = + - @ tab or CR: a spreadsheet runs them.
    exports = {"to_csv", "write_csv", "download_button", "DictWriter"}
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert function_name(node) not in exports, f"{path}:{node.lineno}"
                assert ast.unparse(node.func) != "csv.writer", f"{path}:{node.lineno}"
