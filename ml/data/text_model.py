"""A pre-trained text model: the only module that imports sentence-transformers, and only where a text is encoded.

Reads the folder that `NIGHTJAR_TEXT_MODEL` or `nightjar embed` names; used by `ml.data.text_features`, the stage
evaluate_model and the encoders of `ml.data.encoders`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from nightjar.contract.artifacts.embeddings import sha256
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.importers.encoder import BATCH


def text_model_digest(folder: str) -> str:
    """Return the hex SHA-256 over the names and contents of a model's files; `none` where there is no model."""
    if not folder:
        return "none"
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    lines = "".join(f"{path.relative_to(folder).as_posix()} {sha256(path)}\n" for path in files)
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True)
class SentenceModel:
    """A loaded model.

    Attributes:
        folder: of its files.
        named: the setting or option that names the folder, as errors call it.
        transformer: sentence-transformers' own object.
    """

    folder: str
    named: str
    transformer: Any

    def encode(self, inputs: Sequence[Any]) -> NDArray[np.float32]:
        """Return the embeddings of texts, or of images where the model takes them: (inputs, dimension) float32.

        One thread and one size of batch, so that the same inputs in the same order give the same bits.

        Raises:
            NightjarError: a value is not finite.
        """
        with threadpool_limits(1):
            vectors = self.transformer.encode(list(inputs), batch_size=BATCH, show_progress_bar=False)
        return checked_vectors(np.array(vectors, np.float32), self.folder, self.named)


def checked_vectors(vectors: NDArray[np.float32], folder: str, named: str) -> NDArray[np.float32]:
    """Return what a model gives.

    Args:
        vectors: (inputs, dimension).
        folder: of the model's files.
        named: the setting or option that names the folder.

    Raises:
        NightjarError: a value is not finite.
    """
    if not np.isfinite(vectors).all():
        raise NightjarError(
            f"{named}={folder} gives values that are not finite",
            code="not_finite",
            **_origin(named),
            value=folder,
        )
    return vectors


def load_sentence_model(folder: str, named: str = "NIGHTJAR_TEXT_MODEL") -> SentenceModel:
    """Load a model from its folder; nothing is downloaded, and no code of the folder runs.

    Raises:
        BadInput: the folder holds no model that can be loaded, or the package is not installed.
    """
    try:
        from sentence_transformers import SentenceTransformer

        return SentenceModel(folder, named, SentenceTransformer(folder, device="cpu", local_files_only=True))
    except Exception as error:
        # Each file format has errors of its own. A champion's text model, or the package, may no longer be installed.
        raise BadInput(
            f"{named}={folder} cannot be loaded: {' '.join(str(error).split())}",
            code="unreadable_text_model",
            **_origin(named),
            value=folder,
        ) from error


# A search encodes the same texts in each of its trials.
@lru_cache(maxsize=1)
def encode(folder: str, texts: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the embeddings of the texts by the model of a folder: (texts, dimension) float32, read-only.

    Raises:
        BadInput: the folder holds no model that can be loaded, or the package is not installed.
        NightjarError: a value is not finite.
    """
    vectors = load_sentence_model(folder).encode(texts)
    vectors.flags.writeable = False
    return vectors


def _origin(named: str) -> dict[str, object]:
    return {"option" if named.startswith("--") else "setting": named}
