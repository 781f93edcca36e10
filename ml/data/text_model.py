"""A pre-trained text model: the only module that imports sentence-transformers, and only where a text is encoded.

Reads the folder that `NIGHTJAR_TEXT_MODEL` names; used by `ml.data.text_features` and the stage evaluate_model.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.artifacts.embeddings import sha256
from nightjar.contract.errors import BadInput, NightjarError

# Texts are padded to the longest of their batch, so last bits depend on how many are encoded at once.
_BATCH = 32


def text_model_digest(folder: str) -> str:
    """Return the hex SHA-256 over the names and contents of a model's files; `none` where there is no model."""
    if not folder:
        return "none"
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    lines = "".join(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()


# A search encodes the same texts in each of its trials.
@lru_cache(maxsize=1)
def encode(folder: str, texts: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the embeddings of the texts: (texts, dimension) float32, read-only.

    One thread and one size of batch, so that the same texts in the same order give the same bits.

    Raises:
        BadInput: the folder holds no model that can be loaded, or the package is not installed.
        NightjarError: a value is not finite.
    """
    try:
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    except Exception as error:
        # Each file format has errors of its own. A champion's text model, or the package, may no longer be installed.
        raise BadInput(
            f"NIGHTJAR_TEXT_MODEL={folder} cannot be loaded: {' '.join(str(error).split())}",
            code="unreadable_text_model",
            setting="NIGHTJAR_TEXT_MODEL",
            value=folder,
        ) from error
    with threadpool_limits(1):
        vectors = np.array(model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False), np.float32)
    if not np.isfinite(vectors).all():
        raise NightjarError(
            f"NIGHTJAR_TEXT_MODEL={folder} gives values that are not finite",
            code="not_finite",
            setting="NIGHTJAR_TEXT_MODEL",
            value=folder,
        )
    vectors.flags.writeable = False
    return vectors
