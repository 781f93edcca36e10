"""Vectors of a made-up encoder: what is encoded, what stays, and what is refused or rejected."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.progress import StageProgress
from nightjar.importers import embed_items as embedding
from nightjar.importers.embed_items import embed_items
from nightjar.importers.encoder import Encoded, EncoderInput
from nightjar.importers.item_texts import read_item_texts
from nightjar.warehouse.protocol import Warehouse
from tests.support.golden import check_wording
from tests.support.refusals import refused

IMPORTED_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
THE_START = datetime(1970, 1, 1, tzinfo=UTC)
Query = Callable[[str], list[tuple[Any, ...]]]
VECTORS = "select item_id, kind, vector, recorded_at, encoder_sha256, input_sha256 from raw.item_vectors order by 1, 4"


@dataclass
class LengthEncoder:
    """Encodes a text as its length and its letters a; texts that begin with ? cannot be read."""

    sha256: str = "m1"
    numbers: int = 2
    batches: list[list[str]] = field(default_factory=list)

    def encode(self, contents: Sequence[str]) -> Encoded:
        self.batches.append(list(contents))
        read = [text for text in contents if not text.startswith("?")]
        rows = [[len(text), text.count("a"), 7][: self.numbers] for text in read]
        unreadable = {place: "no text" for place, text in enumerate(contents) if text.startswith("?")}
        return Encoded(np.array(rows, np.float32).reshape(len(read), self.numbers), unreadable)


def given(texts: dict[str, str]) -> list[EncoderInput]:
    return [EncoderInput(item_id, text, digest(text), f"{item_id}.txt") for item_id, text in texts.items()]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def embedded(
    warehouse: Warehouse, texts: dict[str, str], encoder: LengthEncoder, *, days: int = 0, kind: str = "text"
) -> tuple[tuple[int, int, int], list[str]]:
    """Added, there already and rejected, and the warnings."""
    warnings: list[str] = []
    counts = embed_items(
        warehouse,
        kind,
        given(texts),
        encoder,
        IMPORTED_AT + timedelta(days=days),
        progress=StageProgress("embed text"),
        warn=warnings.append,
    )
    assert [count.table_name for count in counts] == ["raw.item_vectors"]
    return (counts[0].added, counts[0].already_there, counts[0].rejected), warnings


def test_only_items_whose_input_or_model_changed_are_encoded(warehouse: Warehouse, query: Query) -> None:
    encoder = LengthEncoder()
    assert embedded(warehouse, {"1.0": "a fan", "na": "fox"}, encoder) == ((2, 0, 0), [])
    assert embedded(warehouse, {"1.0": "a fan", "na": "fox"}, encoder, days=1) == ((0, 2, 0), [])
    assert embedded(warehouse, {"1.0": "a fan", "na": "oxen", "new": "x"}, encoder, days=2) == ((2, 1, 0), [])
    assert encoder.batches == [["a fan", "fox"], ["oxen", "x"]]
    later = IMPORTED_AT + timedelta(days=2)
    # Ids stay as they are: an import of files reads 1.0 as 1, and NA as no id.
    first = [
        ("1.0", "text", [5, 2], THE_START, "m1", digest("a fan")),
        ("na", "text", [3, 0], THE_START, "m1", digest("fox")),
        ("na", "text", [4, 0], later, "m1", digest("oxen")),
        ("new", "text", [1, 0], THE_START, "m1", digest("x")),
    ]
    assert query(VECTORS) == first
    # The same vector by another model is a new version, or it would be encoded again and again.
    other = LengthEncoder("m2")
    for days, counted in ((3, (1, 0, 0)), (4, (0, 1, 0))):
        assert embedded(warehouse, {"new": "x"}, other, days=days)[0] == counted
    newest = ("new", "text", [1, 0], IMPORTED_AT + timedelta(days=3), "m2", digest("x"))
    assert query(VECTORS) == [*first, newest]


def test_an_item_without_an_input_keeps_its_vector_and_a_warning_counts_it(warehouse: Warehouse, query: Query) -> None:
    embedded(warehouse, {"a": "fox", "b": "ox"}, LengthEncoder())
    counted, warnings = embedded(warehouse, {"a": "fox"}, LengthEncoder(), days=1)
    assert (counted, len(warnings)) == ((0, 1, 0), 1)
    counted, more = embedded(warehouse, {"a": "fox"}, LengthEncoder("m2"), days=2)
    assert (counted, len(more)) == ((1, 0, 0), 2)
    assert [row[0] for row in query(VECTORS)] == ["a", "a", "b"]
    check_wording("\n".join(more))


def test_inputs_that_cannot_be_read_are_rejected_by_their_file_and_the_others_are_imported(
    warehouse: Warehouse, query: Query
) -> None:
    texts = {"a": "fox", "b": "?", "c": "ox", "d": "?d"}
    for added, there in ((2, 0), (0, 2)):
        assert embedded(warehouse, texts, LengthEncoder())[0] == (added, there, 2)
    rejected = query("select table_name, file, line, reason from raw.rejected_rows order by file")
    assert rejected == [("item_vectors", "b.txt", 1, "no text"), ("item_vectors", "d.txt", 1, "no text")]
    assert embedded(warehouse, {"b": "?"}, LengthEncoder(), kind="other")[0] == (0, 0, 1)


def test_a_vector_of_zeros_is_rejected_by_the_checks_of_an_import(warehouse: Warehouse, query: Query) -> None:
    assert embedded(warehouse, {"a": "", "b": "b"}, LengthEncoder())[0] == (1, 0, 1)
    assert query("select file, line from raw.rejected_rows") == [("a.txt", 1)]


@pytest.mark.parametrize("numbers", [1, 3])
def test_another_length_than_that_of_the_kind_is_refused_and_nothing_is_written(
    local_warehouse: Warehouse, rows_of: Query, numbers: int
) -> None:
    embedded(local_warehouse, {"a": "fox"}, LengthEncoder())
    fields = {"option": "--kind", "value": "text", "length": numbers, "expected": 2}
    with refused(BadInput, "wrong_vector_length", wording=numbers == 1, **fields):
        embedded(local_warehouse, {"a": "fox", "b": "ox"}, LengthEncoder("m2", numbers), days=1)
    assert [row[0] for row in rows_of(VECTORS)] == ["a"]
    assert embedded(local_warehouse, {"a": "fox"}, LengthEncoder("m2", numbers), kind="other")[0] == (1, 0, 0)


def test_batches_have_one_size_and_what_is_encoded_is_written_before_the_end(
    local_warehouse: Warehouse, rows_of: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_SECONDS_BETWEEN_WRITES", 0.0)
    texts = {f"i{place:02}": "x" * (place + 1) for place in range(70)}

    class Killed(LengthEncoder):
        def encode(self, contents: Sequence[str]) -> Encoded:
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return super().encode(contents)

    with pytest.raises(KeyboardInterrupt):
        embedded(local_warehouse, texts, Killed())
    assert len(rows_of(VECTORS)) == 64
    encoder = LengthEncoder()
    assert embedded(local_warehouse, texts, encoder)[0] == (6, 64, 0)
    assert [len(batch) for batch in encoder.batches] == [6]


def test_a_kind_that_is_no_name_is_refused(local_warehouse: Warehouse) -> None:
    with refused(BadInput, "invalid_option_value", wording=False, option="--kind", value="(clip)"):
        embedded(local_warehouse, {}, LengthEncoder(), kind="(clip)")


def test_texts_are_those_of_the_newest_rows_the_longest_first(warehouse: Warehouse) -> None:
    items = [("a", "old", 1), ("a", " New ", 2), ("b", "b", 1), ("c", "none of it", 1), ("c", None, 2), ("e", "e", 1)]
    features = [
        ("a", "description:soft", 1, 1),
        ("a", "description:gone", 1, 1),
        ("a", "description:gone", 0, 2),
        ("b", "description:big and soft", 1, 1),
        ("d", "description:of no title", 1, 1),
        ("a", "genre:x", 1, 1),
    ]
    with warehouse.transaction() as connection:
        for item_id, title, day in items:
            connection.execute(
                "insert into raw.items (item_id, domain, title, recorded_at) values (?, 'd', ?, ?)",
                [item_id, title, datetime(2026, 1, day, tzinfo=UTC)],
            )
        for item_id, feature, weight, day in features:
            connection.execute(
                "insert into raw.item_features (item_id, feature, weight, recorded_at) values (?, ?, ?, ?)",
                [item_id, feature, weight, datetime(2026, 1, day, tzinfo=UTC)],
            )
    found = read_item_texts(warehouse, "model")
    assert [(each.item_id, each.content) for each in found] == [
        ("b", "big and soft"),
        ("d", "of no title"),
        ("a", "New\nsoft"),
    ]
    assert (found[1].sha256, found[1].file) == (digest("of no title"), "model")
