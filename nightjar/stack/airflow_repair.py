"""Repairs rows of earlier versions in Airflow's database, before Airflow's programs start; idempotent.

Runs of earlier versions have deadlines of Airflow's own kind DAGRUN_QUEUED_AT, by which Airflow 3.3.2 fails to clear a
run (see `dags.support.alerts`); a backfill that clears runs stops half created and blocks the next one.
"""

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from nightjar.contract.errors import NightjarError

# The deadline itself stays; only clearing reads its definition, and cannot.
_DEADLINES = """
    update deadline set deadline_alert_id = null
    where not missed and deadline_alert_id in (
        select id from deadline_alert where cast(reference as text) like '%"DagRunQueuedAtDeadline"%'
    )
"""
# A backfill that is being created has no runs yet: Airflow itself waits two minutes.
_BACKFILLS = """
    update backfill set completed_at = now()
    where completed_at is null and created_at < now() - interval '2 minutes'
        and not exists (select 1 from backfill_dag_run where backfill_dag_run.backfill_id = backfill.id)
"""


def repair_airflow(environment: dict[str, str]) -> None:
    """Let runs of earlier versions be cleared, and end backfills that have no runs; print what was repaired.

    Args:
        environment: names Airflow's database, a PostgreSQL one of this Airflow's version.

    Raises:
        NightjarError: the database refuses.
    """
    engine = create_engine(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    try:
        with engine.begin() as connection:
            deadlines = connection.execute(text(_DEADLINES)).rowcount
            backfills = connection.execute(text(_BACKFILLS)).rowcount
    except SQLAlchemyError as error:
        raise NightjarError(
            f"Airflow's database cannot be repaired: {' '.join(str(error).split())[:300]}", code="database_refused"
        ) from error
    finally:
        engine.dispose()
    if deadlines:
        print(f"{deadlines} runs of an earlier version can be cleared again", flush=True)
    if backfills:
        print(f"{backfills} backfills without runs are ended", flush=True)
