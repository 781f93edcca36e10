"""Reads image files and makes them the size a model takes: the only module that imports Pillow."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What else Pillow opens runs other programs, or is no picture of an item.
_FORMATS = ("JPEG", "PNG", "WEBP")


class UnreadableImage(ValueError):
    """A file that holds no image; the message is the reason, without the file's name."""


def read_image(path: Path) -> Any:
    """Return an image of Pillow: RGB, upright as its camera noted, transparent parts white, the first frame.

    Raises:
        UnreadableImage: it is no JPEG, PNG or WebP file, is damaged, cannot be opened, or has too many pixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                upright = ImageOps.exif_transpose(image)
                if not upright.has_transparency_data:
                    return upright.convert("RGB")
                layer = upright.convert("RGBA")
                return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    except UnidentifiedImageError as error:
        raise UnreadableImage("is no image in JPEG, PNG or WebP") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"has more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        # A damaged file is any of these, by its format.
        raise UnreadableImage(f"cannot be read: {' '.join(str(error).split())}") from error


def resized(image: Any, height: int, width: int, shortest_edge: int | None = None) -> NDArray[np.float32]:
    """Return an RGB image of a size by bicubic interpolation: (height, width, 3) from 0 to 1.

    Args:
        image: Of Pillow.
        height: In pixels.
        width: In pixels.
        shortest_edge: Pixels of the shorter side before the middle is cut out; None: the whole image is stretched.
    """
    from PIL import Image

    if shortest_edge is None:
        cut = image.resize((width, height), Image.Resampling.BICUBIC)
    else:
        scale = shortest_edge / min(image.size)
        # Not below what is cut out.
        size = tuple(max(round(side * scale), least) for side, least in zip(image.size, (width, height), strict=True))
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        cut = image.resize(size, Image.Resampling.BICUBIC).crop((left, top, left + width, top + height))
    return np.asarray(cut, np.float32) / np.float32(255)
