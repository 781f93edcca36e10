"""Writes YAML as a person would: shared mappings have names and are merged, lists of short words stay on their line."""

from typing import Any

import yaml

# The key under which a mapping names another one, whose entries it takes over.
MERGE = "<<"
# The keys of mappings that are there to be merged, as Compose wants them.
_SHARED = "x-"


class Line(list[str]):
    """A list that stays on one line."""


def yaml_text(document: dict[str, Any]) -> str:
    """Return the document as text; a mapping below a key `x-name` that is used again becomes the anchor `name`."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=118)
    return text


class _Dumper(yaml.SafeDumper):
    def serialize(self, node: Any) -> None:
        """Remember the names of the shared mappings before the anchors are made."""
        self._names = {id(value): key.value for key, value in node.value if key.value.startswith(_SHARED)}
        super().serialize(node)

    def generate_anchor(self, node: Any) -> str:
        """Return the name of a shared mapping."""
        return str(self._names[id(node)].removeprefix(_SHARED))

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists, too."""
        super().increase_indent(flow, False)


def _represent_text(dumper: _Dumper, text: str) -> Any:
    tag = "merge" if text == MERGE else "str"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{tag}", text)


def _represent_line(dumper: _Dumper, line: Line) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", line, flow_style=True)


def _represent_nothing(dumper: _Dumper, _: None) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Line, _represent_line)
_Dumper.add_representer(type(None), _represent_nothing)
