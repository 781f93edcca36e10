"""Encoders of `nightjar embed`: a model's folder with the digest of its files, loaded where something is encoded."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.image_files import UnreadableImage, read_image
from ml.data.onnx_model import load_onnx_model
from ml.data.text_model import SentenceModel, checked_vectors, load_sentence_model, text_model_digest
from ml.data.timm_model import load_timm_model
from nightjar.contract.errors import BadInput
from nightjar.contract.extras import require_package
from nightjar.importers.encoder import Encoded

_OPTION = "--model"


@dataclass(frozen=True)
class TextEncoder:
    """Encodes texts by a sentence-transformers model, whose folder the option --model names."""

    folder: str

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the model's files."""
        return text_model_digest(self.folder)

    @cached_property
    def _model(self) -> SentenceModel:
        return load_sentence_model(self.folder, _OPTION)

    def encode(self, contents: Sequence[Any]) -> Encoded:
        """Encode one batch of texts.

        Raises:
            BadInput: the model cannot be loaded.
            NightjarError: a value is not finite.
        """
        return Encoded(self._model.encode(contents))


@dataclass(frozen=True)
class ImageEncoder:
    """Encodes image files by a model of sentence-transformers, timm or ONNX, whose folder the option --model names."""

    folder: str

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the model's files."""
        return text_model_digest(self.folder)

    @cached_property
    def _model(self) -> Callable[[Sequence[Any]], NDArray[np.float32]]:
        folder = Path(self.folder)
        if library_of(folder) == "sentence-transformers":
            return _load_sentence_model_of_images(self.folder)
        try:
            encode = load_onnx_model(folder) if library_of(folder) == "onnxruntime" else load_timm_model(folder)
        except Exception as error:
            # Each library has errors of its own.
            raise BadInput(
                f"{_OPTION}={folder} cannot be loaded: {' '.join(str(error).split())}",
                code="unreadable_image_model",
                option=_OPTION,
                value=self.folder,
            ) from error
        return lambda images: checked_vectors(encode(images), self.folder, _OPTION)

    def encode(self, contents: Sequence[Any]) -> Encoded:
        """Encode one batch of paths of images.

        Raises:
            BadInput: the model cannot be loaded.
            NightjarError: a value is not finite.
        """
        images, unreadable = [], {}
        for place, path in enumerate(contents):
            try:
                images.append(read_image(path))
            except UnreadableImage as error:
                unreadable[place] = f"image {error}"
        return Encoded(self._model(images) if images else np.zeros((0, 0), np.float32), unreadable)


def require_image_model(folder: Path) -> None:
    """Check that a folder can be used as a model of images; nothing is loaded.

    Raises:
        BadInput: it holds no model, or a package that it needs is not installed.
    """
    library = library_of(folder)
    if library is None:
        raise BadInput(
            f"{_OPTION}={folder} is no folder of an image model: expected model.onnx and preprocessor_config.json, or"
            " config.json and model.safetensors of timm, or a folder of sentence-transformers with modules.json",
            code="not_an_image_model",
            option=_OPTION,
            value=folder,
        )
    extra = "text" if library == "sentence-transformers" else "images"
    require_package(_OPTION, library.replace("-", "_"), library, extra, option=_OPTION)
    require_package(_OPTION, "PIL", "pillow", "images", option=_OPTION)


def library_of(folder: Path) -> str | None:
    """Return the package that reads a model of images, by the files of its folder; None where it is no model."""
    if (folder / "modules.json").is_file():
        return "sentence-transformers"
    if (folder / "model.onnx").is_file() and (folder / "preprocessor_config.json").is_file():
        return "onnxruntime"
    if not (folder / "model.safetensors").is_file():
        return None
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return "timm" if isinstance(config, dict) and "architecture" in config else None


def _load_sentence_model_of_images(folder: str) -> Callable[[Sequence[Any]], NDArray[np.float32]]:
    model = load_sentence_model(folder, _OPTION)
    # Versions before 5.4 do not say what a model takes.
    if "image" not in getattr(model.transformer, "modalities", ["image"]):
        raise BadInput(
            f"{_OPTION}={folder} takes no images, only {', '.join(map(str, model.transformer.modalities))}: expected a"
            " model such as CLIP",
            code="not_an_image_model",
            option=_OPTION,
            value=folder,
        )
    return model.encode
