"""Whether the sequence model that `NIGHTJAR_SEQUENCE` turns on can be fitted; docs/decisions/sequence.md.

Checked before a run or a search begins; `ml.models.sequence` fits it.
"""

from collections.abc import Sequence

from nightjar.contract.extras import require_package
from nightjar.contract.settings import Settings
from nightjar.contract.stages import STAGE_GROUPS


def check_sequence(settings: Settings, groups: Sequence[str] = STAGE_GROUPS) -> None:
    """Refuse settings that turn the model on where its package is missing; nothing is loaded.

    Raises:
        BadInput: the package is not installed.
    """
    if settings.sequence == "on" and "model" in groups:
        require_package("NIGHTJAR_SEQUENCE=on", "torch", "torch", "neural", setting="NIGHTJAR_SEQUENCE")
