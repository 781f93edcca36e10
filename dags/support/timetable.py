"""The data interval of a run, by its logical date, however the run starts. Used by every DAG with a schedule.

Airflow's own timetable gives a run started by hand the interval before its logical date, and a backfill the one that
begins there.
"""

from typing import Any

from airflow.sdk import timezone
from airflow.timetables.base import DataInterval
from airflow.timetables.interval import CronDataIntervalTimetable


class DataDateTimetable(CronDataIntervalTimetable):
    """The intervals between the ticks of a cron expression."""

    def infer_manual_data_interval(self, *, run_after: Any) -> DataInterval:
        """Return the interval that holds a logical date, or the one before it where that has not ended yet.

        A logical date that is the very start of an interval names that interval in any case, as it does for
        the scheduled run: where it has not ended, the run's first task refuses it, and the run can be cleared later.
        """
        start = self._align_to_prev(run_after)
        end = self._get_next(start)
        if end <= timezone.utcnow() or start == run_after:
            return DataInterval(start, end)
        return DataInterval(self._get_prev(start), start)

    def generate_run_id(
        self, *, run_type: Any, run_after: Any, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """Return the id of a run; that of a scheduled run begins with its data date.

        Not that of a run started by hand, which may set another data date.
        """
        name: str = super().generate_run_id(
            run_type=run_type, run_after=run_after, data_interval=data_interval, **extra
        )
        if run_type.value != "scheduled" or data_interval is None:
            return name
        return f"{run_type.value}__{data_interval.start:%Y-%m-%d}__{run_after.isoformat()}"
