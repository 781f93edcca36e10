"""One digest that names the data a model was trained on.

Reads the snapshot files of a run folder; used by the stage evaluate_model, which logs it.
"""

import hashlib

from nightjar.contract.artifacts.embeddings import sha256
from nightjar.contract.run_folder import RunFolder


def dataset_digest(folder: RunFolder) -> str:
    """Hex SHA-256 over the name and the SHA-256 of every snapshot file, in the order of their names."""
    files = sorted((folder.path / "snapshot").glob("*.parquet"))
    lines = "".join(f"{path.name} {sha256(path)}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()
