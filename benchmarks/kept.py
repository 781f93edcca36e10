"""Measured results that outlive an interrupted measurement."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nightjar.contract.atomic_files import write_text


class Kept:
    """Results in a JSON file; what is in it is not measured again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.values: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, name: str, result: Callable[[], Any]) -> Any:
        """Return a result; measure it unless it is there, tell it and write it down."""
        if name not in self.values:
            self.values[name] = result()
            write_text(self._path, json.dumps(self.values, indent=1))
        print(f"{self._path.parent}: {name} {json.dumps(self.values[name])[:160]}", flush=True)
        return self.values[name]
