"""Encodes what is new or changed of items' inputs, and writes the vectors as an import does.

Reads and writes `raw.item_vectors`; used by `nightjar embed`. docs/decisions/item-vectors.md has the reasons.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nightjar.contract.errors import BadInput
from nightjar.contract.progress import StageProgress
from nightjar.contract.tables import table as contract_of
from nightjar.importers.encoder import BATCH, Encoder, EncoderInput
from nightjar.importers.import_notes import Note, ignore_note
from nightjar.importers.import_source import LINES_OF_A_FILE, ImportSource, define
from nightjar.importers.loading import ImportCount, load, total_by_table
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.row_checks import check
from nightjar.importers.values.vectors import MAX_LENGTH
from nightjar.importers.vector_kinds import check_kind, fixed_length, known_length
from nightjar.warehouse.protocol import ImportSession, Warehouse

# A command that is killed loses at most what it encoded in this time.
_SECONDS_BETWEEN_WRITES = 60.0
_TABLE = contract_of("raw.item_vectors")
_COLUMNS = ("item_id", "vector", "encoder_sha256", "input_sha256")
_NEWEST = """
    select item_id, encoder_sha256, input_sha256 from (
        select distinct on (item_id) item_id, encoder_sha256, input_sha256 from raw.item_vectors
        where kind = $kind order by item_id, recorded_at desc
    ) as newest
"""


@dataclass
class _Batch:
    """Vectors that are encoded and not yet written, and inputs that could not be read."""

    inputs: list[EncoderInput] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    unreadable: list[tuple[EncoderInput, str]] = field(default_factory=list)


def embed_items(
    warehouse: Warehouse,
    kind: str,
    inputs: Sequence[EncoderInput],
    encoder: Encoder,
    imported_at: datetime,
    *,
    rejected: Sequence[tuple[EncoderInput, str]] = (),
    progress: StageProgress,
    warn: Note = ignore_note,
) -> list[ImportCount]:
    """Encode the inputs that are new or changed, or were encoded by another model, and write their vectors.

    They are written about once a minute, so the same command goes on after one that was killed.

    Args:
        warehouse: Its tables must exist.
        kind: Of the vectors.
        inputs: At most one an item; they are encoded in this order.
        encoder: Used only where there is something to encode.
        imported_at: From when a vector holds that replaces another.
        rejected: Other inputs, which cannot be encoded, with the reason.
        progress: Reports rows and seconds left.
        warn: Called with what the kind keeps beside the vectors of these inputs.

    Returns:
        One count; vectors that are up to date count as already there.

    Raises:
        BadInput: the kind is no name, or its vectors have another length than the encoder's.
        NightjarError: the encoder gives values that are not finite.
    """
    check_kind(kind)
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(_NEWEST, {"kind": kind}).fetchall()
        newest = {item_id: tuple(digests) for item_id, *digests in rows}
        length = known_length(connection, _TABLE, kind)
    stale = [each for each in inputs if newest.get(each.item_id) != (encoder.sha256, each.sha256)]
    progress.say(f"{len(inputs):,} items have an input, {len(stale):,} are new or changed")
    _warn_of_kept_vectors(newest, kind, inputs, encoder, warn)
    counts = [ImportCount(_TABLE.full_name, 0, len(inputs) - len(stale), 0)]
    started = written = time.monotonic()
    batch = _Batch(unreadable=list(rejected))
    for start in range(0, len(stale), BATCH):
        part = stale[start : start + BATCH]
        encoded = encoder.encode([each.content for each in part])
        _require_length(kind, encoded.vectors, length)
        batch.inputs += [each for place, each in enumerate(part) if place not in encoded.unreadable]
        batch.vectors.append(encoded.vectors)
        batch.unreadable += [(part[place], reason) for place, reason in encoded.unreadable.items()]
        done, now = start + len(part), time.monotonic()
        if start == 0:
            # The model is loaded for the first batch, which says nothing about the rest.
            started = now
        else:
            left = (now - started) / start * (len(stale) - done)
            progress.pulse(f"{done:,} of {len(stale):,} rows, {left:.0f} s left")
        if now - written >= _SECONDS_BETWEEN_WRITES:
            counts.append(_write(warehouse, kind, encoder.sha256, batch, imported_at))
            batch, written = _Batch(), time.monotonic()
    if batch.inputs or batch.unreadable:
        counts.append(_write(warehouse, kind, encoder.sha256, batch, imported_at))
    return total_by_table(counts)


def _warn_of_kept_vectors(
    newest: Mapping[str, tuple[str | None, ...]],
    kind: str,
    inputs: Sequence[EncoderInput],
    encoder: Encoder,
    warn: Note,
) -> None:
    given = {each.item_id for each in inputs}
    kept = [digests[0] for item_id, digests in newest.items() if item_id not in given]
    if kept:
        warn(f"{len(kept):,} items have no input now and keep their vector of kind {kind}")
    if others := sum(digest != encoder.sha256 for digest in kept):
        warn(
            f"{others:,} of these vectors are of another model, so they cannot be compared with this model's:"
            " give it a --kind of its own"
        )


def _require_length(kind: str, vectors: NDArray[np.float32], length: int | None) -> None:
    given = vectors.shape[1]
    if len(vectors) and (given > MAX_LENGTH or length not in (None, given)):
        raise BadInput(
            f"--model gives vectors of {given:,} numbers, those of --kind {kind} have"
            f" {length or f'at most {MAX_LENGTH:,}'}: use another --kind for another model",
            code="wrong_vector_length",
            option="--kind",
            value=kind,
            length=given,
            expected=length or MAX_LENGTH,
        )


def _write(warehouse: Warehouse, kind: str, encoder: str, batch: _Batch, imported_at: datetime) -> ImportCount:
    with warehouse.importing() as session:
        source = _source(session, kind, encoder, batch)
        length = fixed_length(session, kind, [source])
        for vectors in batch.vectors:
            _require_length(kind, vectors, length)
        source = replace(source, vector_length=length)
        # Ids come from the raw tables or from names of files: 12.0 is 12.0 here.
        check(session.scratch, source, imported_at, forms={})
        return load(session, source, imported_at)


def _source(session: ImportSession, kind: str, encoder: str, batch: _Batch) -> ImportSource:
    """Define the rows of a batch: of each file, in `raw.rejected_rows`, the n-th row of the batch is line n."""
    entries = [*batch.inputs, *(each for each, _ in batch.unreadable)]
    files = list(dict.fromkeys(each.file for each in entries))
    place_of, lines = {file: place for place, file in enumerate(files)}, dict.fromkeys(files, 0)
    numbers = []
    for each in entries:
        lines[each.file] += 1
        numbers.append(place_of[each.file] * LINES_OF_A_FILE + lines[each.file])
    read = len(batch.inputs)
    vectors = [row for part in batch.vectors for row in part]
    _create(
        session,
        "encoded_vectors",
        {
            "line": pa.array(numbers[:read], pa.int64()),
            "content": pa.array([_content(each) for each in batch.inputs], pa.string()),
            "item_id": pa.array([each.item_id for each in batch.inputs], pa.string()),
            "vector": pa.array(vectors, pa.list_(pa.float32())),
            "encoder_sha256": pa.array([encoder] * read, pa.string()),
            "input_sha256": pa.array([each.sha256 for each in batch.inputs], pa.string()),
        },
    )
    _create(
        session,
        "unreadable_inputs",
        {
            "line": pa.array(numbers[read:], pa.int64()),
            "reason": pa.array([reason for _, reason in batch.unreadable], pa.string()),
            "content": pa.array([_content(each) for each, _ in batch.unreadable], pa.string()),
        },
    )
    options = ReadOptions(constants={"kind": kind}, null_words=())
    source = ImportSource(_TABLE.name, _TABLE, tuple(files), _COLUMNS, "unreadable_inputs", options=options)
    return define(session.scratch, source, "select * from encoded_vectors")


def _create(session: ImportSession, name: str, columns: Mapping[str, object]) -> None:
    session.scratch.register(f"{name}_arrow", pa.table(columns))
    session.scratch.execute(f"create temp table {name} as select * from {name}_arrow")
    session.scratch.unregister(f"{name}_arrow")


def _content(each: EncoderInput) -> str:
    return json.dumps({"item_id": each.item_id, "input_sha256": each.sha256}, ensure_ascii=False)
