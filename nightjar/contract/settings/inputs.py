"""Settings of the checks of a run's inputs, and of what its events count."""

from typing import Literal

from nightjar.contract.settings.field import Fraction, PositiveInt, SettingsGroup, setting


class InputSettings(SettingsGroup):
    """Inputs and their checks."""

    min_interval_events: int = setting(
        1,
        recorded=None,
        ge=0,
        description="Events that the interval of a run must hold; 0: none, an empty interval passes.",
    )
    empty_interval: Literal["skip", "fail"] = setting(
        "skip",
        recorded=None,
        description="What a scheduled run does when its interval holds no event. skip: end without a result, with a "
        "note; fail: fail. A run started by hand fails, and so does every run where NIGHTJAR_MIN_INTERVAL_EVENTS is "
        "above 1.",
    )
    min_volume_share: Fraction = setting(
        0.01,
        recorded=None,
        description="Fraction, 0 to 1, of the least of the 7 intervals before that the interval's events must reach: "
        "in all, by type, by domain, by earlier users and of earlier items; 0: no check. 0.5 suits many events a day.",
    )
    max_silent_hours: int = setting(
        0,
        recorded=None,
        ge=0,
        description="Hours without an event before the interval's end from which the inputs are refused; 0: no check.",
    )
    unknown_event_weight: float = setting(
        0.0,
        recorded=None,
        ge=0,
        allow_inf_nan=False,
        description="Weight of events of a type without a weight (see `nightjar events`); 0: the item is seen, but not "
        "liked.",
    )
    max_events_per_day: int = setting(
        0,
        recorded=None,
        ge=0,
        description="Events of weight above 0 that a user may have on one date (UTC); the run ignores all events of "
        "users with more, such as bots; 0: no limit.",
    )
    import_max_gb: PositiveInt = setting(
        20,
        recorded=None,
        description="Gigabytes of text that a packed file (.gz, Parquet) may hold; larger ones are not imported.",
    )
