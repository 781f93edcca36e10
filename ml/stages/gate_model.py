"""Stage gate_model: may this run's model be published?

Reads `evaluation/`; writes `recs.gate_decisions`.
"""

from ml.evaluation import results
from ml.gates.index_gate import refuse_if_any
from ml.gates.model_gate import judge_model
from nightjar.contract.progress import stage
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.gate_decisions import record_decisions
from nightjar.warehouse.engines import open_warehouse


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        GateRefused: the model is significantly worse than popularity or the champion; names the gate and the metrics.
    """
    with stage(folder, "gate_model") as progress:
        record = folder.record()
        decisions = judge_model(results.load(folder.evaluation), settings)
        record_decisions(open_warehouse(settings), record, decisions)
        progress.rows, progress.unit = len(decisions), "verdicts"
        for decision in decisions:
            progress.say(f"{decision.gate} {decision.verdict}: {decision.reason}")
        refuse_if_any(decisions)
