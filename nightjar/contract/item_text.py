"""The text of an item: its title and its features of the kind `description:`, each on a line.

Pure; the features of a run's texts and `nightjar embed text` use it, so that both encode the same text.
"""

from collections.abc import Iterable

DESCRIPTION_PREFIX = "description:"


def texts_of_items(titles: Iterable[tuple[str, str | None]], features: Iterable[tuple[str, str]]) -> dict[str, str]:
    r"""Return the text of every item with a title or a description, empty where both say nothing; by item_id.

    A title that equals the item's id is a placeholder of the importers, so it counts as none.

    >>> texts_of_items([("a", " A thing "), ("b", "b")], [("a", "description:soft"), ("a", "genre:x")])
    {'a': 'A thing\nsoft', 'b': ''}

    Args:
        titles: item_id and title, each item at most once.
        features: item_id and feature (`kind:value`); those that are no description are left out.
    """
    lines = {item_id: [title_of(item_id, title)] for item_id, title in titles}
    for item_id, feature in sorted(features):
        if feature.startswith(DESCRIPTION_PREFIX):
            lines.setdefault(item_id, []).append(feature.removeprefix(DESCRIPTION_PREFIX).strip())
    return {item_id: "\n".join(filter(None, parts)) for item_id, parts in lines.items()}


def title_of(item_id: str, title: str | None) -> str:
    """Return an item's title, empty where it has none or only its id as a placeholder."""
    stripped = (title or "").strip()
    return "" if stripped == item_id else stripped
