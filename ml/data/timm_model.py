"""A pre-trained image model of timm: the only module that imports timm, and only where an image is encoded.

Reads a folder as timm writes it: `config.json` and `model.safetensors`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def load_timm_model(folder: Path) -> Callable[[Sequence[Any]], NDArray[np.float32]]:
    """Load a model without its classifier, with the transform of its configuration; nothing is downloaded.

    Returns:
        Images of Pillow to (images, dimension) float32.
    """
    import timm
    import torch
    from timm.data import create_transform, resolve_model_data_config

    model = timm.create_model(f"local-dir:{folder.absolute()}", pretrained=True, num_classes=0).eval()
    transform = create_transform(**resolve_model_data_config(model), is_training=False)

    def encode(images: Sequence[Any]) -> NDArray[np.float32]:
        with threadpool_limits(1), torch.inference_mode():
            return np.array(model(torch.stack([transform(image) for image in images])).numpy(), np.float32)

    return encode
