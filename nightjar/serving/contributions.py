"""What each source of the model added to the scores of some recommended rows, as columns.

Reads the JSON of `contributions`; used by `nightjar recommend --explain` and the explorer.
"""

import json
from collections.abc import Sequence


def contributions_by_source(contributions: Sequence[str | None]) -> dict[str, list[float | None]]:
    """Return by source, in the order of the rows' own, its contribution to each row.

    Args:
        contributions: of each row, e.g. `{"lightfm":0.81,"ease":0.42}`; None: the row has none.

    Returns:
        For each source that any row names a value a row: 0 where the row names other sources only, None where it has
        no contributions.
    """
    rows = [None if each is None else json.loads(each) for each in contributions]
    names = dict.fromkeys(name for row in rows if row is not None for name in row)
    return {name: [None if row is None else float(row.get(name, 0)) for row in rows] for name in names}
