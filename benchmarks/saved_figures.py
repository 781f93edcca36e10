"""Measured figures that are saved one by one, so that an interrupted measurement can continue."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nightjar.contract.atomic_files import write_text


class SavedFigures:
    """Figures in a JSON file; those in it are not measured again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def measure_once(self, name: str, result: Callable[[], Any]) -> Any:
        """Return a figure; measure and save it unless it is saved, and print it."""
        if name not in self.values:
            self.values[name] = result()
            write_text(self._path, json.dumps(self.values, indent=1))
        print(f"{self._path.parent}: {name} {json.dumps(self.values[name])[:160]}", flush=True)
        return self.values[name]
