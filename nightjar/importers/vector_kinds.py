"""Kinds of vectors: what they may be called, and how long the vectors of each are.

Reads `raw.item_vectors` and `raw.user_vectors`; used by whatever writes vectors.
"""

import re
from collections.abc import Sequence

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import BIGINT, Table
from nightjar.importers.import_source import ImportSource
from nightjar.importers.values.vectors import MAX_LENGTH
from nightjar.warehouse.protocol import Connection, ImportSession

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}")
# Title tokens are features of this name.
_RESERVED = ("title",)
_LENGTHS = "lengths_of_vectors"


def check_kind(kind: str) -> None:
    """Check the name of a kind.

    Raises:
        BadInput: it is none, or taken.
    """
    if not _KIND.fullmatch(kind) or kind in _RESERVED:
        raise BadInput(
            f"--kind {kind!r} is no name of vectors: expected a letter and at most 63 more letters, digits, _ or -, in"
            f" lower case, such as clip, and not {', '.join(_RESERVED)}",
            code="invalid_option_value",
            option="--kind",
            value=kind,
        )


def known_length(connection: Connection, table: Table, kind: str) -> int | None:
    """Return how many numbers the vectors of a kind hold in a table; None where there is none yet."""
    known = connection.execute(
        f"select array_length(vector, 1) from {table.full_name} where kind = $kind limit 1", {"kind": kind}
    ).fetchone()
    return int(known[0]) if known else None


def fixed_length(session: ImportSession, kind: str, sources: Sequence[ImportSource]) -> int | None:
    """Return the length of the kind's vectors: that in the table, else the most frequent of the sources, or longest.

    Args:
        session: Of the import.
        kind: Of the vectors.
        sources: At least one, all of one table.

    Returns:
        None where no vector has a usable length.
    """
    vectors = " union all ".join(f"select vector from {source.relation}" for source in sources)
    session.scratch.execute(
        f"""create temp table {_LENGTHS} as
        select len(vector)::bigint as length, count(*) as frequency from ({vectors})
        where len(vector) between 1 and {MAX_LENGTH} group by all"""
    )
    # From here on no other import writes: two could fix different lengths.
    session.copy_to_target(_LENGTHS, {"length": BIGINT, "frequency": BIGINT})
    known = known_length(session.target, sources[0].table, kind)
    if known:
        return known
    most = session.scratch.execute(
        f"select length from {_LENGTHS} order by frequency desc, length desc limit 1"
    ).fetchone()
    return int(most[0]) if most else None
