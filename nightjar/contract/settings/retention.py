"""Settings of how long results stay."""

from nightjar.contract.settings.field import Cron, PositiveInt, SettingsGroup, setting


class RetentionSettings(SettingsGroup):
    """Retention."""

    retention_schedule: Cron = setting(
        "0 12 * * 0", recorded=None, description="Cron expression (UTC) of the deletion of old attempts."
    )
    retention_publication_days: int = setting(
        90,
        recorded=None,
        ge=0,
        basic=True,
        description="Data dates for which the last publication of a date can be queried and restored; 0: for ever.",
    )
    retention_rollback_publications: PositiveInt = setting(
        5,
        recorded=None,
        description="Publications before the current one that are kept whole, to roll back to.",
    )
    retention_run_folder_days: int = setting(
        14,
        recorded=None,
        ge=0,
        description="Data dates after which unpublished and replaced attempts are deleted, and the work files of "
        "published ones; 0: never.",
    )
    retention_mlflow_days: int = setting(
        90,
        recorded=None,
        ge=0,
        description="Data dates after which the MLflow runs of attempts with deleted rows or files are deleted; 0: "
        "never.",
    )
