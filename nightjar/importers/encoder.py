"""What `nightjar embed` needs of an encoder, and what it gives to one; the encoders stand in `ml.data.encoders`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# Inputs that are encoded at once, always so many: texts are padded to the longest of their batch, so last bits depend
# on it.
BATCH = 32


@dataclass(frozen=True)
class EncoderInput:
    """The input of one item.

    Attributes:
        item_id: as in the raw tables.
        content: a text, or the path of an image.
        sha256: hex digest of the text in UTF-8, or of the file.
        file: its name in `raw.rejected_rows`.
    """

    item_id: str
    content: Any
    sha256: str
    file: str


@dataclass(frozen=True)
class Encoded:
    """What an encoder made of some contents.

    Attributes:
        vectors: (contents that could be read, dimension) float32, in their order.
        unreadable: place of each other content to the reason.
    """

    vectors: NDArray[np.float32]
    unreadable: Mapping[int, str] = field(default_factory=dict)


class Encoder(Protocol):
    """A pre-trained model."""

    @property
    def sha256(self) -> str:
        """Hex digest of the model's files."""

    def encode(self, contents: Sequence[Any]) -> Encoded:
        """Encode one batch; the same contents in the same order give the same bits.

        Raises:
            NightjarError: a value is not finite.
        """
