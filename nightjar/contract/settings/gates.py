"""Settings of the gates that compare a model with the popularity baseline and the champion."""

from nightjar.contract.settings.field import Fraction, SettingsGroup, setting


class GateSettings(SettingsGroup):
    """Gates of the model."""

    gate_confidence: float = setting(
        0.95,
        recorded=None,
        ge=0.5,
        lt=1,
        description="Confidence level, 0.5 to below 1, of the gates' intervals; equal models are refused with at most "
        "the remaining probability.",
    )
    gate_popularity_margin: float = setting(
        1.0,
        recorded=None,
        ge=0,
        description="Factor of the popularity baseline's recall@k and NDCG@k; a model significantly below is refused; "
        "0: none is.",
    )
    gate_champion_tolerance: Fraction = setting(
        0.02,
        recorded=None,
        description="Fraction, 0 to 1, by which a model may be worse than the refit of the champion; significantly "
        "more is refused.",
    )
    gate_record_tolerance: Fraction = setting(
        0.1,
        recorded=None,
        description="Fraction, 0 to 1, of the recall@k of the champion's own run that a new model may lose.",
    )
    gate_coverage_tolerance: Fraction = setting(
        0.2,
        recorded=None,
        description="Fraction, 0 to 1, of the coverage@k of the refit of the champion that a new model may lose.",
    )
    gate_coverage_floor: Fraction = setting(
        0.0,
        recorded=None,
        description="Least coverage@k on the holdout, 0 to 1; 0: only the champion's counts.",
    )
