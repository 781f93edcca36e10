"""Whether the model and the indices of an attempt are what its stages wrote, and belong together.

Checked right before an attempt is published: between the stage that built a file and the one that lets readers at it
lie minutes, and other attempts.
"""

from pathlib import Path

import pyarrow.parquet as pq

from nightjar.contract.artifacts import embeddings
from nightjar.contract.artifacts.embeddings import MANIFEST, check_manifest, read_manifest, sha256
from nightjar.contract.errors import NightjarError
from nightjar.contract.run_folder import RunFolder


def check_artifacts(folder: RunFolder) -> None:
    """Check the digests of the model and of every index, and that the indices were built from this model.

    Raises:
        NightjarError: a file is missing or changed, or an index holds items of another model; names it.
    """
    model = embeddings.load(folder.model)
    digest = model_digest(folder.model)
    for row in pq.read_table(folder.output("index_manifest")).to_pylist():
        index = Path(row["uri"])
        check_manifest(index)
        manifest = read_manifest(index)
        if row["sha256"] not in manifest["sha256"].values():
            raise NightjarError(
                f"{index} is not the index of recs.index_manifest: its digests differ",
                code="digest_differs",
                path=index,
                table="recs.index_manifest",
            )
        stale = set(pq.read_table(index / "item_ids.parquet").column("item_id").to_pylist()) - set(model.item_ids)
        if stale:
            raise NightjarError(
                f"{index} holds {len(stale):,} items that the model has no embedding of: {min(stale)!r}",
                code="unknown_items",
                path=index,
                count=len(stale),
                item_id=min(stale),
            )
        if manifest.get("model_sha256") != digest:
            raise NightjarError(
                f"{index} was not built from {folder.model}: run build_indices again",
                code="index_of_another_model",
                path=index,
                publication_id=folder.publication_id,
            )


def model_digest(folder: Path) -> str:
    """Return the digest of a model: that of its manifest, which has the digest of every file."""
    return sha256(folder / MANIFEST)
