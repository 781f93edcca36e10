"""Recorded messages of dbt 1.11 and the engines, and how failures are explained."""

from pathlib import Path

import pytest

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.warehouse.dbt_failures import NodeResult, explain, failed_nodes_error, is_transient, without_macro_calls
from nightjar.warehouse.dbt_process import catalogue_of
from tests.support.golden import check_wording

COLUMN = """Runtime Error in model dim_items (models/core/dim_items.sql)
  Binder Error: Referenced column "itm_id" not found in FROM clause!
  Candidate bindings: "item_id"

  LINE 13: ...    itm_id,
                  ^"""
CONTRACT = """Compilation Error in model night_outcomes (models/recs/night_outcomes.sql)
  This model has an enforced contract that failed.
  Please ensure the name, data_type, and number of columns in your contract match.

  | column_name | definition_type | contract_type | mismatch_reason       |
  | ----------- | --------------- | ------------- | --------------------- |
  | attempt     | INTEGER         | VARCHAR       | data type mismatch    |
  | recall      |                 | DOUBLE        | missing in definition |

  > in macro assert_columns_equivalent (macros/relations/column/columns_spec_ddl.sql)"""
POSTGRES = """Database Error in model fct_interactions (models/core/fct_interactions.sql)
  invalid input syntax for type double precision: "abc"
  compiled code at /home/dbt/postgres/run/nightjar/models/core/fct_interactions.sql"""
LOCKED = """Runtime Error in model dim_items (models/core/dim_items.sql)
  IO Error: Could not set lock on file "/home/warehouse.duckdb": Conflicting lock is held in python (PID 7)"""


def failed(message: str, name: str = "dim_items", kind: str = "model") -> NodeResult:
    return NodeResult(name, "error", 0, message, kind)


def test_a_column_that_is_not_there_is_named_with_the_line_of_the_models_own_file(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    (project / "models" / "core").mkdir(parents=True)
    (project / "models" / "core" / "dim_items.sql").write_text("with versions as (\n    select\n        itm_id,\n")
    why = explain(failed(COLUMN), project)
    assert (why.node, why.file, why.line, why.columns) == ("dim_items", "models/core/dim_items.sql", 3, ("itm_id",))
    check_wording(why.text)


def test_a_line_that_is_there_twice_or_not_at_all_is_quoted_instead(tmp_path: Path) -> None:
    why = explain(failed(COLUMN), tmp_path / "dbt_project")
    assert (why.file, why.line) == ("models/core/dim_items.sql", 0)
    assert why.text.endswith("...    itm_id,")


def test_a_broken_contract_names_each_column_with_both_types_and_no_macro() -> None:
    why = explain(failed(CONTRACT, "night_outcomes"))
    assert (why.code, why.columns) == ("contract_broken", ("attempt", "recall"))
    assert "macro" not in why.text
    check_wording(why.text)


def test_a_value_that_postgres_refuses_is_named() -> None:
    why = explain(failed(POSTGRES, "fct_interactions"))
    assert (why.node, why.file, why.value) == ("fct_interactions", "models/core/fct_interactions.sql", "abc")
    check_wording(why.text)


def test_rows_that_break_a_test_are_no_failure_of_the_node() -> None:
    assert explain(NodeResult("items_are_unique", "fail", 3, "Got 3 results", "test")).code == "test_failed"


@pytest.mark.parametrize("message", [COLUMN, CONTRACT, POSTGRES])
def test_what_no_second_try_can_mend_is_bad_input(message: str) -> None:
    error = failed_nodes_error("dbt_inputs", [failed(message)])
    assert isinstance(error, BadInput)
    assert error.code == ("contract_broken" if message == CONTRACT else "node_failed")


@pytest.mark.parametrize(
    "message",
    [
        LOCKED,
        "Database Error\n  connection to server at db.example, port 5432 failed: Connection refused",
        "Database Error in model a (b.sql)\n  server closed the connection unexpectedly",
        "Database Error in model a (b.sql)\n  deadlock detected",
        "Database Error in model a (b.sql)\n  could not extend file: No space left on device",
        "Runtime Error in model a (b.sql)\n  Out of Memory Error: failed to allocate data of size 2.0 MiB",
    ],
)
def test_a_transient_failure_may_be_retried(message: str) -> None:
    assert is_transient(message)
    error = failed_nodes_error("marts", [failed(message)])
    assert type(error) is NightjarError
    assert (error.code, error.fields["stage"]) == ("engine_unavailable", "marts")


def test_the_first_failure_is_reported_and_the_others_are_named_and_counted() -> None:
    error = failed_nodes_error("dbt_inputs", [failed(POSTGRES, "first"), failed(COLUMN, "second")], skipped=4)
    expected = {"stage": "dbt_inputs", "node": "first", "value": "abc", "others": ["second"], "skipped": 4}
    assert {name: error.fields[name] for name in expected} == expected
    check_wording(str(error))


def test_a_message_about_the_project_is_one_line() -> None:
    message = (
        "Compilation Error\n  Model 'model.nightjar.a' (models/a.sql) depends on a node named 'nope'\n\n> in macro x"
    )
    assert (
        without_macro_calls(message)
        == "Compilation Error Model 'model.nightjar.a' (models/a.sql) depends on a node named 'nope'"
    )


@pytest.mark.parametrize(
    ("path", "name"), [("/a #1/warehouse.duckdb", "warehouse"), ("/a/my.db.duckdb", "my"), (":memory:", "memory")]
)
def test_the_catalogue_of_a_file_is_called_as_duckdb_calls_it(path: str, name: str) -> None:
    assert catalogue_of(path) == name
