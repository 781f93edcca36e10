from collections.abc import Callable
from typing import Any

import pytest

from ml.stages.tuning_features import FeatureCache


def test_features_are_built_once_for_all_settings_that_they_do_not_depend_on(
    planted: Any, build: Any, cache_of: Callable[..., FeatureCache]
) -> None:
    features, settings = cache_of(build), planted.settings
    first = features.folder(settings)
    assert features.folder(settings.model_copy(update={"epochs": 1, "embedding_dim": 3})) == first
    other = features.folder(settings.model_copy(update={"recency_rank_power": 0.0}))
    assert [each.recency_rank_power for each in build.built] == [2.0, 0.0]
    assert other != first
    # Each folder has the snapshot that its job reads.
    assert other.snapshot("interactions").samefile(features.source.snapshot("interactions"))


def test_a_job_that_failed_is_tried_again(planted: Any, build: Any, cache_of: Callable[..., FeatureCache]) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("cores")

    broken = cache_of(fail)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cores"):
            broken.folder(planted.settings)
    assert FeatureCache(broken.source, broken.as_of, build).data(planted.settings).train.nnz > 0
