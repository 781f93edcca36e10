"""Stage gate_model: may this night's model be published?

Reads `evaluation/`; writes `recs.gate_decisions`.
"""

from ml import contest
from ml.gate import refuse_if_any
from ml.model_gate import judge_model
from warehouse.adapters.engines import open_warehouse
from warehouse.gate_decisions import record_decisions
from warehouse.progress import stage
from warehouse.run_folder import RunFolder
from warehouse.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        GateRefused: the model is surely behind popularity or the champion; names the gate and the figures.
    """
    with stage(folder, "gate_model") as progress:
        record = folder.record()
        decisions = judge_model(contest.load(folder), settings)
        record_decisions(open_warehouse(settings), record, decisions)
        progress.rows, progress.unit = len(decisions), "verdicts"
        for decision in decisions:
            progress.say(f"{decision.gate} {decision.verdict}: {decision.reason}")
        refuse_if_any(decisions)
