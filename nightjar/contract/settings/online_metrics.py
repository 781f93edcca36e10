"""Settings of the online metrics: attribution of clicks and conversions, and experiments."""

from typing import Literal

from nightjar.contract.settings.field import CronOrEmpty, PositiveInt, SettingsGroup, setting


class OnlineMetricSettings(SettingsGroup):
    """Online metrics."""

    attribution_window_hours: PositiveInt = setting(
        168,
        recorded=None,
        description="Hours after an exposure within which a click or a conversion is attributed to it.",
    )
    attribution_touch: Literal["last", "first"] = setting(
        "last",
        recorded=None,
        description="Which of several exposures within the attribution window is credited: the last or the first.",
    )
    control_variant: str = setting(
        "control",
        recorded=None,
        pattern=r"^[\w.-]{1,100}$",
        description="Variant of an experiment that the marts compare the others with.",
    )
    performance_schedule: CronOrEmpty = setting(
        "0 6 * * *",
        recorded=None,
        description="Cron expression (UTC) of the update of the online metrics; empty: only with each run.",
    )
