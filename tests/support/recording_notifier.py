"""An Airflow notifier that appends its alerts to a file; the stack of the tests uses it."""

import json
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier


class RecordingNotifier(BaseNotifier):
    """Appends one line for each run: the run, and whether it failed or is late."""

    template_fields = ()

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = Path(path)

    def notify(self, context: Any) -> None:
        run = context["dag_run"]
        late = "deadline" in context
        run_id = run["dag_run_id"] if isinstance(run, dict) else run.run_id
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"run_id": run_id, "why": "late" if late else "failed"}) + "\n")
