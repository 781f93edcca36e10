"""One process of a race: publishes one attempt a round, after a short random delay."""

import random
import time
from threading import Barrier

from nightjar.contract.errors import NightjarError
from nightjar.contract.run_folder import RunFolder
from nightjar.contract.settings import Settings
from nightjar.publishing.publish import publish
from nightjar.warehouse.engines import open_warehouse


def race(settings: Settings, publications: list[str], start: Barrier, seed: int, results: object) -> None:
    """Publish each attempt when all are at the barrier; queue the result, or code and winner of the refusal."""
    chance, warehouse = random.Random(seed), open_warehouse(settings)
    for publication_id in publications:
        record = RunFolder.of(settings.lake, publication_id).record()
        start.wait(120)
        time.sleep(chance.uniform(0, 0.03))
        try:
            entry = publish(warehouse, record, model_uri="models:/m/1", mlflow_run_id="m", content_hash="h")
            outcome = (publication_id, entry.ledger_id, ())
        except NightjarError as error:
            outcome = (publication_id, 0, (error.code, error.fields.get("superseded_by")))
        results.put(outcome)
