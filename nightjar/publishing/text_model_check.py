"""Whether the text model that `NIGHTJAR_TEXT_MODEL` names can be used; docs/decisions/text-features.md.

Checked before a run or a search begins; `ml.data.text_model` loads it.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.contract.stages import STAGE_GROUPS
from nightjar.publishing.warm_start_publication import ON

_INSTALL = ".venv/bin/uv pip install --python .venv/bin/python --constraints requirements.lock --editable '.[text]'"


def check_text_model(settings: Settings, groups: Sequence[str] = STAGE_GROUPS) -> None:
    """Refuse settings whose text model cannot be used; nothing is loaded.

    Raises:
        BadInput: the folder holds no model, the package is not installed, or runs are warm-started.
    """
    if not settings.text_model or "model" not in groups:
        return
    if not (Path(settings.text_model) / "modules.json").is_file():
        raise BadInput(
            f"NIGHTJAR_TEXT_MODEL={settings.text_model} is no folder of a sentence-transformers model: "
            "it holds no modules.json",
            code="not_a_text_model",
            setting="NIGHTJAR_TEXT_MODEL",
            value=settings.text_model,
        )
    if find_spec("sentence_transformers") is None:
        raise BadInput(
            f"NIGHTJAR_TEXT_MODEL needs the package sentence-transformers: {_INSTALL}",
            code="missing_package",
            setting="NIGHTJAR_TEXT_MODEL",
            package="sentence-transformers",
        )
    if settings.warm_start == ON:
        # The meaning of a dimension changes with the catalogue, so embeddings of an earlier run do not fit.
        raise BadInput(
            "NIGHTJAR_TEXT_MODEL and NIGHTJAR_WARM_START=on exclude each other: turn one of them off",
            code="conflicting_settings",
            settings=["NIGHTJAR_TEXT_MODEL", "NIGHTJAR_WARM_START"],
        )
