"""Whether the sequence model that `NIGHTJAR_SEQUENCE` turns on can be fitted; docs/decisions/sequence.md.

Checked before a run or a search begins; `ml.models.sequence` fits it.
"""

from collections.abc import Sequence
from importlib.util import find_spec

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.contract.stages import STAGE_GROUPS

_INSTALL = ".venv/bin/uv pip install --python .venv/bin/python --constraints requirements.lock --editable '.[neural]'"


def check_sequence(settings: Settings, groups: Sequence[str] = STAGE_GROUPS) -> None:
    """Refuse settings that turn the model on where its package is missing; nothing is loaded.

    Raises:
        BadInput: the package is not installed.
    """
    if settings.sequence == "on" and "model" in groups and find_spec("torch") is None:
        raise BadInput(
            f"NIGHTJAR_SEQUENCE=on needs the package torch: {_INSTALL}",
            code="missing_package",
            setting="NIGHTJAR_SEQUENCE",
            package="torch",
        )
