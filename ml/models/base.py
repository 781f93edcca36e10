"""What a model is: a fit of the training data to a source that lists are ranked by.

A new model is a module of this folder and a line of `ml.models.registry`: docs/how-to/add-a-model.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from ml.data.training_data import TrainingPart
from nightjar.contract.artifacts.sources import Fitted
from nightjar.contract.settings import Settings

# What a fit leaves to a later one; no array holds objects.
NamedArrays = Mapping[str, NDArray[Any]]


def ignore_arrays(model: str, arrays: NamedArrays) -> None:
    """Keep nothing."""


class Model(Protocol):
    """One model beside LightFM.

    Attributes:
        name: of its source, in `recs.model_sources` and in the contributions of recommendations; a-z and `_`.
        items: which items it scores, `WARM` or `COLD` of `nightjar.contract.artifacts.sources`.
    """

    @property
    def name(self) -> str:
        """Of its source."""

    @property
    def items(self) -> str:
        """Which items it scores."""

    def weight(self, settings: Settings) -> float:
        """Return its weight in the blend, 0 to 1; with 0 it is fitted and evaluated alone, but ranks nothing."""

    def fit(self, part: TrainingPart, settings: Settings) -> Fitted | None:
        """Fit it; None: it has nothing to say about such data. Equal arguments give equal bits."""


@dataclass(frozen=True)
class LongFit:
    """What a fit of minutes or hours has besides its data.

    Attributes:
        say: called with each line of progress.
        checkpoints: folder of what a fit that is killed continues from; None: there is none.
        starts: what fits of an earlier run left, by model; a model that is not in it is trained from scratch.
        leave: called with a model's name and what a fit of a later run may start from.
    """

    say: Callable[[str], None] = lambda line: None
    checkpoints: Path | None = None
    starts: Mapping[str, NamedArrays] = field(default_factory=dict)
    leave: Callable[[str, NamedArrays], None] = ignore_arrays


@runtime_checkable
class LongModel(Model, Protocol):
    """A model whose fit logs its progress and continues where it was killed."""

    def fit_long(self, part: TrainingPart, settings: Settings, log: LongFit) -> Fitted | None:
        """Fit it as `fit` does; continued or not, the result has the same bits."""
