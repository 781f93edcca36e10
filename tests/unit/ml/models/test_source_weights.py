"""The weights of sources: what they are where a catalogue outgrows the dense models between two fits."""

from ml.models.source_weights import SourceWeights
from nightjar.contract.artifacts.sources import IN_DOMAIN, NEW_TO_DOMAIN

CHOSEN = SourceWeights(
    {
        IN_DOMAIN: {"lightfm": 0.25, "ease": 0.5, "ease_even": 0.125, "transitions_last": 0.125},
        NEW_TO_DOMAIN: {"lightfm": 1.0},
    }
)


def test_the_sparse_model_takes_over_the_weights_of_the_dense_one() -> None:
    of = CHOSEN.for_fitted(["item_cosine", "transition_cosine", "popular"]).of
    assert of[IN_DOMAIN] == {
        "lightfm": 0.25,
        "item_cosine": 0.5,
        "item_cosine_even": 0.125,
        "transition_cosine_last": 0.125,
    }
    assert of[NEW_TO_DOMAIN] == {"lightfm": 1.0}


def test_weights_of_models_that_were_fitted_stay() -> None:
    assert CHOSEN.for_fitted(["ease", "transitions"]) == CHOSEN
    # Neither model of a pair was fitted.
    assert CHOSEN.for_fitted(["popular"]) == CHOSEN
