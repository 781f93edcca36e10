"""Prints the intervals that the timetable infers from logical dates as JSON; a separate process, as describe_dags.

Arguments: a cron expression, the current time, and logical dates.
"""

import json
import sys
from unittest import mock

from airflow.sdk import timezone
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.utils.types import DagRunType

from dags.support.timetable import DataDateTimetable

if __name__ == "__main__":
    cron, now, *logical_dates = sys.argv[1:]
    # As the scheduler, which reads it from Airflow's database and finds the class by the plugin.
    timetable = decode_timetable(encode_timetable(DataDateTimetable(cron, timezone="UTC")))
    instant = timezone.parse(now)
    with mock.patch("dags.support.timetable.timezone.utcnow", return_value=instant):
        result = [timetable.infer_manual_data_interval(run_after=timezone.parse(each)) for each in logical_dates]
    names = [
        timetable.generate_run_id(run_type=each, run_after=result[0].end, data_interval=result[0])
        for each in DagRunType
    ]
    print("\n" + json.dumps([[f"{each.start:%Y-%m-%dT%H:%M}", f"{each.end:%Y-%m-%dT%H:%M}"] for each in result]))
    print(json.dumps([name for name in names if name.startswith("scheduled")]))
