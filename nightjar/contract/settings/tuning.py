"""Settings of the search for better configurations."""

from nightjar.contract.settings.field import CronOrEmpty, PositiveInt, SettingsGroup, setting


class TuningSettings(SettingsGroup):
    """Tuning."""

    # Which tuned configuration a run trains with shows in the settings that it replaces: it is not recorded itself.
    recipe: str = setting(
        "latest",
        recorded=None,
        pattern=r"^(latest|none|\d{4}-\d{2}-\d{2}\.\d+)$",
        description="Tuned configuration that runs train with. latest: the newest that passed, of a date before the "
        "run's; none: the settings alone; or a name that `nightjar recipes` shows.",
    )
    tuning_schedule: CronOrEmpty = setting(
        "",
        recorded=None,
        description="Cron expression (UTC) of the search for a better configuration; empty: only when started by hand.",
    )
    tuning_minutes: PositiveInt = setting(
        30, recorded=None, basic=True, description="Minutes that a search for a better configuration may take."
    )
