"""Labels the points of a map of items by domain or by a kind of feature, few enough for a colour each.

Pure; used by the map of the explorer and by the picture of the run report.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

OTHER, NONE = "(other)", "(none)"
# Strong enough for a dot of three pixels on white. More of them cannot be told apart.
POINT_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22", "#17becf")
_GREYS = {OTHER: "#b4b8c0", NONE: "#dcdfe4"}

# Of each item with any, its values with their weights.
Values = Mapping[str, Sequence[tuple[str, float]]]


def item_labels(item_ids: Sequence[str], values: Values) -> tuple[list[str], dict[str, str]]:
    """Label each item by one of the most frequent values, `OTHER` where it has only others, `NONE` where it has none.

    An item with several gets the one of most weight, then the rarest: the commonest would cover half of the map.

    Args:
        item_ids: the items drawn; only their values count.
        values: the items' values.

    Returns:
        The label of each item, and the colour of each label there is: the values, the most frequent first, then
        `OTHER`, `NONE`.
    """
    counts = Counter(value for item_id in item_ids for value, _ in values.get(item_id, ()))
    frequent = sorted(counts, key=lambda value: (-counts[value], value))[: len(POINT_COLOURS)]

    def label(item_id: str) -> str:
        own = values.get(item_id, ())
        coloured = [(-weight, counts[value], value) for value, weight in own if value in frequent]
        return min(coloured)[2] if coloured else OTHER if own else NONE

    labels = [label(item_id) for item_id in item_ids]
    colours = dict(zip(frequent, POINT_COLOURS, strict=False)) | _GREYS
    return labels, {name: colour for name, colour in colours.items() if name in labels}


def grey_first(labels: Sequence[str]) -> list[int]:
    """Return the places of the labels in the order of drawing: no grey point covers a coloured one."""
    return sorted(range(len(labels)), key=lambda place: (labels[place] not in _GREYS, labels[place] != NONE))
