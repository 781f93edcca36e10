"""Settings of the holdout and of the metrics."""

from nightjar.contract.holdout_kind import HoldoutKind
from nightjar.contract.settings.field import Fraction, PositiveInt, SettingsGroup, setting


class EvaluationSettings(SettingsGroup):
    """Evaluation."""

    holdout: HoldoutKind = setting(
        "newest",
        recorded="protocol",
        before_recording="newest",
        jobs=("build_features",),
        description="What time holds out: `newest`, a fraction of each user's items; `last`, each user's newest item; "
        "`time`, everything from one cut in time on.",
    )
    holdout_fraction: Fraction = setting(
        0.2,
        recorded="protocol",
        jobs=("build_features",),
        basic=True,
        description="Fraction, 0 to 1, of each user's newest items that is held out, or of all pairs of user and item "
        "for the holdout `time`; 0: none.",
    )
    cold_holdout_fraction: Fraction = setting(
        0.05,
        recorded="protocol",
        jobs=("build_features",),
        description="Fraction, 0 to 1, of users (and of items) held out entirely, to measure cold start; 0: none.",
    )
    domain_holdout_fraction: Fraction = setting(
        0.1,
        recorded="protocol",
        jobs=("build_features",),
        description="Fraction, 0 to 1, of users with several domains who are held out of one, to measure across "
        "domains; 0: none.",
    )
    metric_k: PositiveInt = setting(
        10,
        recorded="protocol",
        basic=True,
        description="Length k of the top-K lists that offline metrics and index recall look at.",
    )
