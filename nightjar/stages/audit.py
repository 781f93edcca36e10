"""Runs the dbt tests of a run's inputs or of its staged outputs and records their verdict as the decision of a gate."""

from collections.abc import Sequence

from nightjar.contract import progress
from nightjar.contract.errors import GateRefused
from nightjar.contract.gates import GateDecision
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.warehouse.dbt_failures import NodeResult, explain
from nightjar.warehouse.dbt_runner import attempt_variables, run_dbt, with_failing_rows
from nightjar.warehouse.engines import open_warehouse


def audit_inputs(settings: Settings, folder: RunFolder) -> None:
    """Test facts and dimensions, gate `inputs`.

    Raises:
        GateRefused: a test failed; the message names it.
    """
    _audit(settings, folder, "inputs", "tag:inputs")


def audit_outputs(settings: Settings, folder: RunFolder) -> None:
    """Test the staged rows, gate `outputs`.

    Raises:
        GateRefused: a test failed; the message names it.
    """
    _audit(settings, folder, "outputs", "tag:audit")


def judge(gate: str, results: Sequence[NodeResult]) -> GateDecision:
    """Turn test results into a verdict: warnings pass and are named, anything else that is no pass refuses."""
    warned = [result for result in results if result.status == "warn"]
    failed = [result for result in results if result.status not in ("pass", "success", "warn")]
    if failed or not results:
        named = "; ".join(map(_named, failed[:5]))
        return GateDecision(gate, "refused", named or "no test ran", float(len(failed)), 0.0)
    noted = "".join(f"; warned: {each.name} ({each.failures} rows)" for each in warned)
    return GateDecision(gate, "passed", f"{len(results)} tests passed{noted}", 0.0, 0.0)


def _named(failed: NodeResult) -> str:
    if failed.rows:
        more = ", ..." if failed.failures > len(failed.rows) else ""
        return f"{failed.name} ({failed.failures} rows: {' | '.join(failed.rows)}{more})"
    if failed.status == "fail":
        return f"{failed.name} ({failed.failures} rows: {failed.message})"
    return f"{failed.name} could not run ({explain(failed)})"


def _audit(settings: Settings, folder: RunFolder, gate: str, selection: str) -> None:
    run = folder.record()
    with progress.stage(folder, f"audit_{gate}") as done:
        done.unit = "tests"
        results = run_dbt(
            settings,
            *("test", "--select", selection, "--exclude", "resource_type:unit_test"),
            variables=attempt_variables(settings, run),
        )
        done.rows = len(results)
        warehouse = open_warehouse(settings)
        decision = judge(gate, with_failing_rows(warehouse, results))
        record_decisions(warehouse, run, [decision])
    if decision.verdict == "refused":
        raise GateRefused(
            f"gate {gate} refused {run.publication_id}: {decision.reason}",
            code="gate_refused",
            gate=gate,
            publication_id=run.publication_id,
        )
