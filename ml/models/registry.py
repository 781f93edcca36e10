"""The models that every run fits beside LightFM, in the order of their sources.

LightFM is no line of it: it is in every model, because indices, similar items, cold users and cold items go by its
embeddings (`ml.models.candidate`).
"""

from ml.models.als import Als
from ml.models.base import Model
from ml.models.content import Content
from ml.models.ease import Ease, ItemCosine
from ml.models.popular import Popular
from ml.models.repeats import Repeats
from ml.models.sequence import Sequence
from ml.models.transitions import TransitionCosine, Transitions
from ml.models.trending import Trending
from nightjar.contract.trending import TRENDING_HALF_LIVES_DAYS

MODELS: tuple[Model, ...] = (
    Ease(),
    ItemCosine(),
    Transitions(),
    TransitionCosine(),
    Als(),
    Sequence(),
    Repeats(),
    Content(),
    Popular(),
    *(Trending(days) for days in TRENDING_HALF_LIVES_DAYS),
)
