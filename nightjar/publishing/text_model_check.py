"""Whether the text model that `NIGHTJAR_TEXT_MODEL` names can be used; docs/decisions/text-features.md.

Checked before a run or a search begins; `ml.data.text_model` loads it.
"""

from collections.abc import Sequence
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.extras import require_package
from nightjar.contract.settings import Settings
from nightjar.contract.stages import STAGE_GROUPS
from nightjar.publishing.warm_start_publication import ON


def check_text_model(settings: Settings, groups: Sequence[str] = STAGE_GROUPS) -> None:
    """Refuse settings whose text model cannot be used; nothing is loaded.

    Raises:
        BadInput: the folder holds no model, the package is not installed, or runs are warm-started.
    """
    if not settings.text_model or "model" not in groups:
        return
    require_sentence_model(settings.text_model, "NIGHTJAR_TEXT_MODEL", setting="NIGHTJAR_TEXT_MODEL")
    if settings.warm_start == ON:
        # The meaning of a dimension changes with the catalogue, so embeddings of an earlier run do not fit.
        raise BadInput(
            "NIGHTJAR_TEXT_MODEL and NIGHTJAR_WARM_START=on exclude each other: turn one of them off",
            code="conflicting_settings",
            settings=["NIGHTJAR_TEXT_MODEL", "NIGHTJAR_WARM_START"],
        )


def require_sentence_model(folder: str, named: str, **origin: str) -> None:
    """Refuse a folder that cannot be used as a model; nothing is loaded.

    Args:
        folder: of the model.
        named: the setting or option that names it.
        **origin: field of the error that says the same: `setting` or `option`.

    Raises:
        BadInput: it holds no model, or the package is not installed.
    """
    if not (Path(folder) / "modules.json").is_file():
        raise BadInput(
            f"{named}={folder} is no folder of a sentence-transformers model: it holds no modules.json",
            code="not_a_text_model",
            value=folder,
            **dict(origin),
        )
    require_package(named, "sentence_transformers", "sentence-transformers", "text", **origin)
