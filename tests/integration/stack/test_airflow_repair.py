"""Rows of earlier versions in Airflow's database, in tables of the same names and columns on a real server."""

import psycopg

from nightjar.stack.airflow_repair import repair_airflow
from tests.support.postgres_server import PostgresServer

TABLES = """
    create table deadline_alert (id integer primary key, reference json not null);
    create table deadline (id integer primary key, missed boolean not null, deadline_alert_id integer);
    create table backfill (id integer primary key, created_at timestamptz not null, completed_at timestamptz);
    create table backfill_dag_run (id integer primary key, backfill_id integer not null);
    insert into deadline_alert values (1, '{"reference_type": "DagRunQueuedAtDeadline"}'),
        (2, '{"reference_type": "RunQueuedAt", "__class_path": "dags.support.alerts.RunQueuedAt"}');
    insert into deadline values (1, false, 1), (2, true, 1), (3, false, 2), (4, false, null);
    insert into backfill values (1, now() - interval '3 minutes', null), (2, now() - interval '3 minutes', null),
        (3, now(), null), (4, now() - interval '1 day', now() - interval '1 day');
    insert into backfill_dag_run values (1, 2);
"""


def test_runs_of_earlier_versions_can_be_cleared_and_empty_backfills_end(
    postgres_server: PostgresServer,
) -> None:
    name = postgres_server.create_database("repaired")
    with postgres_server.connect(name) as connection:
        connection.execute(TABLES)
    address = (
        f"postgresql+psycopg2://{postgres_server.admin_user}:{postgres_server.admin_password}"
        f"@{postgres_server.host}:{postgres_server.port}/{name}"
    )
    for _ in range(2):
        repair_airflow({"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address})
        with postgres_server.connect(name) as connection:
            # The scheduler is done with a missed deadline, and clearing a run does not read it.
            assert rows(connection, "select id, deadline_alert_id from deadline order by id") == [
                (1, None),
                (2, 1),
                (3, 2),
                (4, None),
            ]
            # Neither the one with a run, nor the one being created.
            assert rows(connection, "select id from backfill where completed_at is null order by id") == [(2,), (3,)]
            assert rows(connection, "select completed_at < now() - interval '1 hour' from backfill where id = 4") == [
                (True,)
            ]


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query.encode()).fetchall()
