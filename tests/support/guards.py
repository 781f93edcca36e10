"""The guards of Nightjar, the stand-in of each, and the test that must fail without it.

`make test-guards` runs each test in its own process with its guard removed: a test that still passes checks
nothing. A guard is a function, named as it is defined; it is replaced wherever it has been imported.
"""

import os
import re
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

# Names the guard to remove in this process; no setting, because no operator needs it.
VARIABLE = "_NIGHTJAR_TEST_WITHOUT"

ARTIFACTS = "tests/reliability/test_artifacts_and_outputs.py::"
BAD_INPUTS = "tests/reliability/test_bad_inputs_of_runs.py::"
KILLS = "tests/reliability/test_kills.py::"
RACES = "tests/reliability/test_races.py::"
ROLLBACKS = "tests/reliability/test_rollbacks.py::"
PUBLICATIONS = "tests/unit/publishing/test_publish.py::"
ROLLBACK = "tests/unit/publishing/test_rollback.py::"
FOLDERS = "tests/unit/contract/test_run_folder.py::"
REMOVAL = "tests/unit/publishing/retention/test_removal.py::"
RETENTION = "tests/integration/publishing/retention/test_plan.py::"
ROWS = "tests/unit/importers/test_rejected_rows.py::"
TRAINING = "tests/unit/ml/data/test_training_data.py::"


def nothing(*_: Any, **__: Any) -> None:
    """Stand in for a check: accept everything."""


@contextmanager
def in_place(target: Any) -> Any:
    """Stand in for `written_aside`: write in place."""
    target.mkdir(parents=True, exist_ok=True)
    yield target


def passed(gate: str, metric: str, measured: float, threshold: float, reason: str) -> Any:
    """Stand in for a gate: every value passes."""
    from nightjar.contract.gates import GateDecision

    return GateDecision(gate, "passed", reason, measured, threshold, metric)


def all_passed(gate: str, *_: Any) -> Any:
    """Stand in for the verdict on dbt's results."""
    from nightjar.contract.gates import GateDecision

    return GateDecision(gate, "passed", "as it should")


def no_faults(*_: Any) -> list[str]:
    """Stand in for a search for faults."""
    return []


def all_finite(array: Any) -> Any:
    """Stand in for `numpy.isfinite`."""
    return np.ones_like(array, bool)


def empty_by_name(*_: Any) -> dict[str, Any]:
    """Stand in for counts or faults by name."""
    return {}


@dataclass(frozen=True)
class Guard:
    """A guard.

    Attributes:
        target: `module:name` where it is defined.
        stand_in: its replacement.
        test: `file::begin of the name` of the test that must fail then.
    """

    target: str
    stand_in: Any
    test: str


GUARDS = [
    Guard(
        "nightjar.contract.artifacts.embeddings:check_manifest",
        nothing,
        f"{ARTIFACTS}test_a_flipped_byte_in_the_model_is_refused",
    ),
    Guard(
        "nightjar.contract.artifacts.embeddings:check_manifest",
        nothing,
        f"{ARTIFACTS}test_a_flipped_byte_in_an_index_is_refused",
    ),
    Guard(
        "nightjar.contract.artifacts.consistency:check_artifacts",
        nothing,
        f"{ARTIFACTS}test_an_index_of_another_model_or_of_stale",
    ),
    Guard(
        "nightjar.publishing.output_contract:check_output", nothing, f"{ARTIFACTS}test_every_dropped_renamed_or_retyped"
    ),
    Guard(
        "nightjar.publishing.input_contract:check_inputs", nothing, f"{BAD_INPUTS}test_every_dropped_renamed_or_retyped"
    ),
    Guard(
        "nightjar.warehouse.schema_migration:add_missing_columns", nothing, f"{BAD_INPUTS}test_a_dropped_column_is_not"
    ),
    Guard(
        "nightjar.publishing.trailing_volume:check_trailing_volume",
        nothing,
        f"{BAD_INPUTS}test_half_the_events_or_one_type",
    ),
    Guard(
        "nightjar.publishing.trailing_volume:check_trailing_volume", nothing, f"{BAD_INPUTS}test_a_domain_without_items"
    ),
    Guard("nightjar.publishing.trailing_volume:_counts", empty_by_name, f"{BAD_INPUTS}test_a_missing_part"),
    Guard(
        "nightjar.publishing.interval_events:check_interval_events", nothing, f"{BAD_INPUTS}test_a_source_that_is_late"
    ),
    Guard("nightjar.publishing.interval_events:_check_freshness", nothing, f"{BAD_INPUTS}test_a_source_that_is_late"),
    Guard(
        "nightjar.publishing.interval_events:check_interval_events",
        nothing,
        f"{PUBLICATIONS}test_a_date_without_data_is_refused",
    ),
    Guard("nightjar.publishing.attempts:check_not_superseded", nothing, f"{PUBLICATIONS}test_a_superseded_attempt"),
    Guard("nightjar.publishing.attempts:check_not_superseded", nothing, f"{RACES}test_of_publishers_at_once"),
    Guard("nightjar.publishing.publish:_check_gates", nothing, f"{PUBLICATIONS}test_nothing_is_published_without"),
    Guard("nightjar.publishing.publish:_entry_of", nothing, f"{PUBLICATIONS}test_publishing_twice"),
    Guard(
        "nightjar.publishing.publish:_recommendations", lambda *_: 1, f"{PUBLICATIONS}test_a_run_that_staged_nothing"
    ),
    Guard("nightjar.publishing.integrity:check_intact", nothing, f"{ROLLBACKS}test_publications_without_data"),
    Guard("nightjar.publishing.integrity:_missing_rows", empty_by_name, f"{ROLLBACK}test_a_publication_t"),
    Guard("nightjar.publishing.integrity:_broken_indices", empty_by_name, f"{ROLLBACK}test_a_publication_w"),
    Guard("nightjar.publishing.rollback:_same_rollback", nothing, f"{ROLLBACK}test_the_same_rollback_again"),
    Guard(
        "nightjar.publishing.ledger:point_to",
        nothing,
        f"{ROLLBACKS}test_model_indices_and_tables_are_rolled_back_together",
    ),
    Guard(
        "nightjar.stages.champion_alias:name_champion",
        nothing,
        f"{ROLLBACKS}test_model_indices_and_tables_are_rolled_back_together",
    ),
    Guard("nightjar.stages.champion_alias:name_champion", nothing, f"{ARTIFACTS}test_the_alias_follows_the_pointer"),
    Guard("nightjar.contract.atomic_files:written_aside", in_place, f"{FOLDERS}test_a_folder_appears_whole"),
    Guard(
        "nightjar.contract.run_folder:PUBLICATION_ID",
        re.compile(".*", re.DOTALL),
        f"{ARTIFACTS}test_a_text_that_is_no_pub",
    ),
    Guard("numpy:isfinite", all_finite, f"{ARTIFACTS}test_a_model_with_a_nan"),
    Guard("numpy:isfinite", all_finite, f"{TRAINING}test_a_broken_value"),
    Guard("nightjar.importers.row_checks:_faults", no_faults, f"{ROWS}test_an_event_that_breaks"),
    Guard("nightjar.publishing.retention.removal:check_in_place", nothing, f"{REMOVAL}test_a_run_folder_behind_a_link"),
    Guard("nightjar.publishing.retention.plan:rollback_targets", no_faults, f"{RETENTION}test_a_rollback_targe"),
    Guard(
        "nightjar.stages.audit:judge", all_passed, "tests/unit/stages/test_audit_verdict.py::test_a_failed_test_refuses"
    ),
    Guard(
        "nightjar.contract.stage_groups:check_fits",
        nothing,
        "tests/unit/contract/test_stage_groups.py::test_a_setting_that_could_have",
    ),
    Guard(
        "nightjar.warehouse.postgres.adapter:_exclusive_transaction",
        lambda *_: nullcontext(),
        f"{RACES}test_of_publishers_at_once",
    ),
    Guard("shutil:rmtree", nothing, f"{ARTIFACTS}test_files_of_a_killed_begin"),
    Guard("nightjar.publishing.retention.removal:remove_files", nothing, f"{KILLS}test_a_killed_clean_up"),
    Guard(
        "ml.gates.index_gate:at_least",
        passed,
        "tests/integration/ml/stages/test_shifted_features.py::test_features_of_the_next_item",
    ),
    Guard(
        "ml.gates.index_gate:at_least",
        passed,
        "tests/unit/ml/gates/test_index_gate.py::test_an_index_must_reach_the_floor",
    ),
    Guard(
        "ml.gates.index_gate:refuse_if_any",
        nothing,
        "tests/unit/ml/gates/test_index_gate.py::test_a_refusal_names_every_gate",
    ),
]


def remove(target: str) -> None:
    """Replace a guard in this process: in the module that defines it and in all that have imported it."""
    module_name, _, path = target.partition(":")
    guard = next(each for each in GUARDS if each.target == target)
    guarded = getattr(import_module(module_name), path)
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is guarded:
                setattr(module, name, guard.stand_in)


def remove_the_guard_of_the_environment() -> None:
    """Remove the guard that the variable names, if any."""
    if target := os.environ.get(VARIABLE):
        remove(target)
