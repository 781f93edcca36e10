"""Where in a JSON object the columns are: `user_id`, `user.id`, or `items[].item_id`, a row for each element."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nightjar.contract.errors import BadInput
from nightjar.importers.values.sql_literals import literal, pointer

_COMPUTED_IDS = ("event_id", "exposure_id")
_EACH = "[]"


@dataclass(frozen=True)
class JsonColumns:
    """How rows are made of objects.

    Attributes:
        elements: SQL for the list of JSON values of which each is a row, or nothing where the object is the row.
        values: Column of the contract to SQL for its text, from `content` (the object) and `element`.
        kinds: Column of the contract to SQL for the JSON type of its value.
    """

    elements: str | None
    values: dict[str, str]
    kinds: dict[str, str]


def names_to_match(keys: Sequence[str], named: Iterable[str]) -> list[str]:
    """Return the names that options may use for columns of objects with these keys: the keys, and the named paths.

    A key that a path goes through is no column of its own.
    """
    paths = [name for name in dict.fromkeys(named) if name not in keys and _root(name) in keys and _is_path(name)]
    roots = {_root(path) for path in paths}
    return [key for key in keys if key not in roots] + paths


def json_columns(names: Mapping[str, str], keys: Sequence[str], file: str) -> JsonColumns:
    """Return how to read the columns.

    Args:
        names: Column of the contract to key or path.
        keys: Of the objects.
        file: What an error calls the file.

    Raises:
        BadInput: the paths go through several lists, or the id of the event would be repeated for each element.
    """
    lists = {name[: name.rindex(_EACH)] for name in names.values() if name not in keys and _EACH in name}
    if len(lists) > 1:
        several = ", ".join(sorted(lists))
        raise BadInput(
            f"{file} cannot be read by paths through several lists ({several}): expected one",
            code="several_lists",
            file=file,
            paths=sorted(lists),
        )
    repeated = [column for column in _COMPUTED_IDS if column in names and _EACH not in names[column]]
    if lists and repeated:
        raise BadInput(
            f"{file} gives one {repeated[0]} to all elements of {min(lists)}{_EACH}: expected an id for each;"
            f" leave {repeated[0]} out, and it is computed",
            code="repeated_id",
            file=file,
            column=repeated[0],
            path=f"{min(lists)}{_EACH}",
        )
    values, kinds = {}, {}
    for column, name in names.items():
        inside = name not in keys and _EACH in name
        rest = name[name.rindex(_EACH) + len(_EACH) :].lstrip(".") if inside else name
        path = (rest,) if rest in keys and not inside else tuple(part for part in rest.split(".") if part)
        source = "element" if inside else "content"
        values[column] = f"json_extract_string({source}, {pointer(path)})"
        kinds[column] = f"json_type({source}, {pointer(path)})"
    return JsonColumns(_list_of(min(lists), file) if lists else None, values, kinds)


def _list_of(path: str, file: str) -> str:
    if '"' in path:
        raise BadInput(
            f"{file} cannot be read by the path {path}[]: a quote in a key is not understood",
            code="invalid_json_path",
            file=file,
            path=f"{path}{_EACH}",
        )
    steps = "".join(
        f'."{part.removesuffix(_EACH)}"' + ("[*]" if part.endswith(_EACH) else "") for part in path.split(".") if part
    )
    return f"json_extract(content, {literal(f'${steps}[*]')})"


def _is_path(name: str) -> bool:
    return "." in name or _EACH in name


def _root(name: str) -> str:
    return name.split(".", 1)[0].split(_EACH, 1)[0]
