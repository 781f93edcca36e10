"""The settings of Nightjar: one file a group, one object that holds them all (`docs/reference/settings.md`).

A setting is one field of one group; its declaration says everything about it (`field.setting`).
"""

from nightjar.contract.settings.cold_items import FIXED
from nightjar.contract.settings.registry import run_parameters, variable
from nightjar.contract.settings.settings import Settings, load_settings

__all__ = ["FIXED", "Settings", "load_settings", "run_parameters", "variable"]
