"""One digest that names the data a model was trained on.

Used by the stages evaluate_model and tune_model, which log it.
"""

import hashlib
from pathlib import Path

from nightjar.contract.artifacts.embeddings import sha256


def dataset_digest(snapshot: Path) -> str:
    """Hex SHA-256 over name and SHA-256 of every Parquet file of a snapshot folder, in the order of their names."""
    files = sorted(snapshot.glob("*.parquet"))
    lines = "".join(f"{path.name} {sha256(path)}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()
