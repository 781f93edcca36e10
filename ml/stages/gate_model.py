"""Stage gate_model: may this night's model be published?

Reads `outputs/model_metrics/` and the earlier publications in the warehouse; writes `recs.gate_decisions`.
"""

from ml.champion import find_champion
from ml.evaluation import Metric
from ml.gate import judge_model, refuse_if_any
from ml.output_rows import read_rows
from warehouse.adapters.engines import open_warehouse
from warehouse.gate_decisions import record_decisions
from warehouse.progress import stage
from warehouse.run_folder import RunFolder
from warehouse.settings import Settings


def run(settings: Settings, folder: RunFolder) -> None:
    """Run the stage.

    Raises:
        GateRefused: the model is worse than popularity or than the champion; names the gate and the figures.
    """
    with stage(folder, "gate_model") as progress:
        record = folder.record()
        warehouse = open_warehouse(settings)
        champion = find_champion(warehouse, record, settings.metric_k)
        decisions = judge_model(_metrics(folder), champion, settings)
        record_decisions(warehouse, record, decisions)
        progress.rows, progress.unit = len(decisions), "verdicts"
        for decision in decisions:
            progress.say(f"{decision.gate} {decision.verdict}: {decision.reason}")
        refuse_if_any(decisions)


def _metrics(folder: RunFolder) -> list[Metric]:
    rows = read_rows(folder, "model_metrics")
    return [Metric(**{**row, "value": float("nan") if row["value"] is None else row["value"]}) for row in rows]
