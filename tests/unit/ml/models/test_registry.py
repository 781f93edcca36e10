"""The names of the models, which are those of sources in all tables."""

import re

from ml.evaluation.evaluate import BASELINE, CHAMPION, CONSUMED, MODEL
from ml.models.registry import MODELS
from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.contract.artifacts.sources import GROUPS


def test_the_name_of_a_model_is_its_own_among_all_that_is_measured() -> None:
    names = [*(model.name for model in MODELS), LIGHTFM, MODEL, BASELINE, CHAMPION, CONSUMED]
    assert len(set(names)) == len(names)


def test_a_name_can_begin_the_name_of_a_file_and_each_model_scores_warm_or_cold_items() -> None:
    for model in MODELS:
        assert re.fullmatch("[a-z][a-z0-9_]*", model.name)
        assert model.items in GROUPS
