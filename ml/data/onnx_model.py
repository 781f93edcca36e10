"""An image model in ONNX: the only module that imports onnxruntime, and only where an image is encoded.

Reads `model.onnx`, which takes (images, 3, height, width) and gives (images, dimension) first, and
`preprocessor_config.json`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.data.image_files import resized


@dataclass(frozen=True)
class Preprocessing:
    """What an image goes through before the model.

    Attributes:
        height: in pixels.
        width: in pixels.
        mean: of each channel, subtracted from values of 0 to 1.
        std: of each channel, by which the rest is divided.
        shortest_edge: pixels of the shorter side before the middle is cut out; None: the image is stretched.
    """

    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    shortest_edge: int | None = None

    @classmethod
    def read(cls, path: Path) -> "Preprocessing":
        """Read `size`, `image_mean` and `image_std`; where `size` has a `shortest_edge`, `crop_size` too.

        A size is one number, or `height` and `width`.

        Raises:
            ValueError: a key is missing or has another form.
        """
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            edge = config["size"].get("shortest_edge") if isinstance(config["size"], dict) else None
            size = config["size"] if edge is None else config.get("crop_size", edge)
            height, width = (size["height"], size["width"]) if isinstance(size, dict) else (size, size)
            mean, std = (np.array(config[name], np.float64) for name in ("image_mean", "image_std"))
            is_sound = min(int(each) for each in (height, width, edge or 1)) > 0 and mean.shape == std.shape == (3,)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path.name} lacks size, image_mean or image_std: {error!r}") from error
        if not is_sound or not (np.isfinite(mean).all() and (std > 0).all()):
            raise ValueError(f"{path.name} has no usable size, image_mean or image_std")
        return cls(int(height), int(width), tuple(mean.tolist()), tuple(std.tolist()), edge and int(edge))

    def __call__(self, images: Sequence[Any]) -> NDArray[np.float32]:
        """Return images of Pillow as (images, 3, height, width) float32."""
        values = np.stack([resized(image, self.height, self.width, self.shortest_edge) for image in images])
        normal = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(0, 3, 1, 2), np.float32)


def load_onnx_model(folder: Path) -> Callable[[Sequence[Any]], NDArray[np.float32]]:
    """Load a model for one thread of a CPU.

    Returns:
        Images of Pillow to (images, dimension) float32.

    Raises:
        ValueError: its preprocessing is not described, or the first output is no vector an image.
    """
    import onnxruntime

    prepare = Preprocessing.read(folder / "preprocessor_config.json")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    given, wanted = session.get_inputs()[0].name, session.get_outputs()[0]
    if len(session.get_inputs()) != 1 or len(wanted.shape) != 2:
        raise ValueError(
            f"model.onnx has {len(session.get_inputs())} inputs and a first output of {len(wanted.shape)} dimensions:"
            " expected one input, images, and (images, dimension)"
        )

    def encode(images: Sequence[Any]) -> NDArray[np.float32]:
        return np.asarray(session.run([wanted.name], {given: prepare(images)})[0], np.float32)

    return encode
