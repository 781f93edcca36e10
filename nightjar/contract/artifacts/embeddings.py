"""The embeddings of one model as plain arrays on disk, with their ids and a manifest of digests.

Part of the folder of a model (`nightjar.contract.artifacts.model_folder`); read by the indices and the ranker. No
pickle: `.npy` arrays that readers may map into memory, ids as Parquet in the same folder, so that vectors and ids
belong together.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nightjar.contract.errors import NightjarError

Vectors = NDArray[np.float32]
MANIFEST = "manifest.json"
# Names of the files, as earlier versions wrote them, by attribute of `Embeddings`.
_ARRAYS = {name: name for name in ("user_vectors", "user_biases", "item_vectors", "item_biases")} | {
    "user_sources": "user_known",
    "item_sources": "item_known",
}


@dataclass(frozen=True)
class Embeddings:
    """Users and items in one space: `score(u, i) = user_vectors[u] @ item_vectors[i] + item_biases[i]`.

    Attributes:
        user_ids: (users,) text ids, row u of the user arrays belongs to `user_ids[u]`.
        item_ids: (items,) text ids.
        user_vectors: (users, dim) float32.
        user_biases: (users,) float32.
        item_vectors: (items, dim) float32.
        item_biases: (items,) float32.
        user_sources: (users,) int8: `TRAINED` on interactions, `FEATURES_ONLY`, or `UNKNOWN` to the model.
        item_sources: (items,) int8, same meaning.
    """

    user_ids: NDArray[np.object_]
    item_ids: NDArray[np.object_]
    user_vectors: Vectors
    user_biases: Vectors
    item_vectors: Vectors
    item_biases: Vectors
    user_sources: NDArray[np.int8]
    item_sources: NDArray[np.int8]


TRAINED, FEATURES_ONLY, UNKNOWN = 2, 1, 0


def write(embeddings: Embeddings, folder: Path) -> None:
    """Write the arrays and ids into the folder of a model that is being written."""
    for attribute, name in _ARRAYS.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(embeddings, attribute)), allow_pickle=False)
    for name in ("user_ids", "item_ids"):
        ids = pa.array(getattr(embeddings, name), pa.string())
        pq.write_table(pa.table({name.removesuffix("s"): ids}), folder / f"{name}.parquet")


def load(folder: Path) -> Embeddings:
    """Map the embeddings of a folder into memory, after checking its manifest.

    Raises:
        NightjarError: a file is missing or differs from the manifest, or a number is not finite.
    """
    check_manifest(folder)
    loaded = load_unchecked(folder)
    for attribute, name in _ARRAYS.items():
        array = getattr(loaded, attribute)
        if len(array) != len(getattr(loaded, f"{attribute.partition('_')[0]}_ids")):
            raise NightjarError(
                f"{folder}: {name} has {len(array)} rows, its ids are another number",
                code="wrong_row_count",
                path=folder,
                array=name,
                count=len(array),
            )
        if not np.isfinite(array).all():
            raise NightjarError(
                f"{folder}: {name} holds numbers that are not finite: refusing to load it",
                code="not_finite",
                path=folder,
                array=name,
            )
    return loaded


def load_unchecked(folder: Path) -> Embeddings:
    """Map the embeddings of a folder into memory; the caller has checked its manifest."""
    ids = {
        name: pq.read_table(folder / f"{name}.parquet").column(0).to_numpy(zero_copy_only=False)
        for name in ("user_ids", "item_ids")
    }
    return Embeddings(**ids, **{attribute: mapped(folder, attribute) for attribute in _ARRAYS})


def mapped(folder: Path, attribute: str) -> NDArray[Any]:
    """Map one array, e.g. `user_vectors`, into memory; the caller has checked the manifest (workers need not again)."""
    return np.load(folder / f"{_ARRAYS[attribute]}.npy", mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def unit_vectors(vectors: Vectors, is_known: NDArray[np.bool_]) -> Vectors:
    """Return the vectors at length 1; zero where they are zero or unknown to the model."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=(lengths > 0) & is_known[:, None])
    return units


def check_manifest(folder: Path) -> None:
    """Compare every file of a folder with its digest in `manifest.json`.

    Raises:
        NightjarError: there is no manifest or it is damaged, or a file is missing, differs or is not named by it.
    """
    digests = read_manifest(folder)["sha256"]
    if foreign := {path.name for path in folder.iterdir()} - {*digests, MANIFEST}:
        raise NightjarError(
            f"{folder / min(foreign)} is not in the manifest: refusing to load it",
            code="file_not_in_manifest",
            file=folder / min(foreign),
        )
    for name, expected in digests.items():
        if not (folder / name).is_file():
            raise NightjarError(f"{folder / name} is missing", code="missing_file", file=folder / name)
        if sha256(folder / name) != expected:
            raise NightjarError(
                f"{folder / name} differs from its manifest: refusing to load it",
                code="digest_differs",
                file=folder / name,
            )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read `manifest.json`; `sha256` has the digest of each file.

    Raises:
        NightjarError: there is none, or it is damaged.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        dict(manifest["sha256"])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NightjarError(f"{folder} has no manifest.json", code="missing_manifest", path=folder) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NightjarError(
            f"{folder / MANIFEST} is damaged: refusing to load what it describes",
            code="damaged_manifest",
            file=folder / MANIFEST,
        ) from error
    return manifest


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
