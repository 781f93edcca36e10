"""Settings of when runs start, when they are late, and who is notified."""

from nightjar.contract.settings.field import Cron, SettingsGroup, connection, setting


class ScheduleSettings(SettingsGroup):
    """Schedule and notifications."""

    schedule: Cron = setting(
        "0 0 * * *",
        recorded=None,
        basic=True,
        description="Cron expression (UTC) whose ticks bound the data intervals of runs.",
    )
    deadline_minutes: int = setting(
        360,
        recorded=None,
        ge=0,
        description="Minutes after it was queued or cleared at which a run counts as late; 0: never. Backfills are "
        "never late.",
    )
    failure_notifier: str = connection(
        "", description="Class of the Airflow notifier that reports failed and late runs; empty: none."
    )
    failure_notifier_arguments: str = connection(
        "{}", description="Arguments of NIGHTJAR_FAILURE_NOTIFIER, as a JSON object."
    )
    lookback_days: int = setting(
        3,
        recorded=None,
        ge=0,
        description="Days before the interval whose events dbt rebuilds for late rows; 0: only the interval.",
    )
