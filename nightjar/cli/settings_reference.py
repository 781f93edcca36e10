"""The reference page of all settings, `docs/reference/settings.md`, as text.

A test compares the page with it; `make golden` writes the page.
"""

from itertools import groupby
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic import SecretStr

from nightjar.contract.settings import Settings, variable
from nightjar.contract.settings.field import SettingsGroup
from nightjar.contract.settings.registry import RegisteredSetting, registered

_HEAD = """# Settings

Each setting is an environment variable. `nightjar settings` prints them all, `nightjar settings --basic` those that a
newcomer needs, which are **bold** here. This page is generated from `nightjar/contract/settings/`, one file a group;
`make golden` writes it.

- *values*: what the variable takes; any other value stops each command before it does anything.
- *recorded*: part of the configuration that MLflow keeps of each run, with which a later run refits its champion.
  `model`: read by fit and ranking; `features`: read by the Spark jobs; `protocol`: what is held out and measured.
- *tuned over*: where `nightjar tune` looks for a better value.
"""
_COLUMNS = "| variable | default | values | what it does | recorded | tuned over |\n|---|---|---|---|---|---|"
_KINDS: dict[object, str] = {int: "integer", float: "number", str: "text", Path: "path", SecretStr: "secret"}
_SYMBOLS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def settings_reference(of: type[SettingsGroup] = Settings) -> str:
    """Return the page."""
    groups = groupby(registered(of), key=lambda each: each.group)
    parts = ["\n".join([f"## {title}\n", _COLUMNS, *map(_row, members)]) for title, members in groups]
    return "\n\n".join([_HEAD.rstrip(), *parts]) + "\n"


def _row(each: RegisteredSetting) -> str:
    name, traits = f"`{variable(each.name)}`", each.traits
    cells = (
        f"**{name}**" if traits.is_basic else name,
        f"`{each.field.default}`" if str(each.field.default) else "",
        _values(each),
        each.field.description,
        traits.recorded or "",
        traits.tunable or "",
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _values(each: RegisteredSetting) -> str:
    """Return what the setting takes, as its type and constraints say."""
    kind = each.field.annotation or object
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    name = _KINDS[kind]
    bounds = [
        f"{symbol} {getattr(bound, attribute):g}"
        for bound in each.field.metadata
        for attribute, symbol in _SYMBOLS.items()
        if hasattr(bound, attribute)
    ]
    return " ".join([name, ", ".join(bounds)]).strip()
