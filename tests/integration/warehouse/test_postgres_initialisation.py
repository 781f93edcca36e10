"""`nightjar warehouse init`: least privilege for two roles, repeatable, and no password where others can read it."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from pydantic import SecretStr

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.postgres.initialisation import ANALYST, initialise
from tests.support.insert_rows import lay_row
from tests.support.postgres_server import PostgresServer, running_postgres
from tests.support.refusals import refused
from tests.support.warehouse_homes import session, settings_of, variables_of

NIGHTJAR = Path(sys.executable).parent / "nightjar"
FILLED = """
    create view recs.recommendations_current as select * from recs.recommendations;
    create table marts.ctr_daily as select 1 as clicks;
    create table core.dim_items as select 'i1' as item_id;
    create view marts.of_items as select * from core.dim_items
"""


@pytest.fixture(scope="module")
def initialised(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A database that init made from nothing; later the pipeline wrote to every schema, as dbt does."""
    settings = settings_of(postgres_server, tmp_path_factory.mktemp("home"), f"made_{uuid4().hex}")
    initialise(settings)
    warehouse = open_warehouse(settings)
    with warehouse.transaction() as connection:
        for statement in FILLED.split(";\n"):
            connection.execute(statement)
        row = {"publication_id": "2026-03-31.1", "data_date": "2026-03-31", "user_id": "u1", "domain": "films"}
        listed = {"rank": 1, "item_id": "i1", "score": 0.5, "source": "personal"}
        lay_row(connection, "recs.recommendations", row | listed)
        lay_row(connection, "recs_staging.recommendations", row | listed)
    return settings


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select user_id from recs.recommendations", "u1"),
        ("select user_id from recs.recommendations_current", "u1"),
        ("select count(*) from recs.publications", 0),
        ("select clicks from marts.ctr_daily", 1),
        ("select item_id from marts.of_items", "i1"),
        ("show default_transaction_read_only", "on"),
    ],
)
def test_analysts_read_what_is_published_and_what_dbt_makes_of_it_later(
    initialised: Settings, query: str, expected: object
) -> None:
    with session(initialised, ANALYST) as connection:
        assert connection.execute(query).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    "statement",
    [
        "select * from raw.interactions",
        "select * from raw.rejected_rows",
        "select * from core.dim_items",
        "select * from recs_staging.recommendations",
        "select * from recs_staging.recommendations_2026_03_31_1",
        "select * from recs_partitions.recommendations_2026_03_31_1",
        "insert into recs.gate_decisions (publication_id) values ('x')",
        "update recs.current_publication set publication_id = 'x'",
        "delete from recs.recommendations",
        "truncate marts.ctr_daily",
        "drop table marts.ctr_daily",
        "create table marts.mine (x int)",
        "create table public.mine (x int)",
        "create temporary table mine (x int)",
        "create schema mine",
        "set role nightjar_pipeline",
        "copy recs.recommendations to program 'cat'",
    ],
)
def test_analysts_neither_write_nor_read_anything_else(initialised: Settings, statement: str) -> None:
    with session(initialised, ANALYST) as connection:
        # What keeps them from it is a right that they lack, not a switch that they can turn.
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)


def test_the_pipeline_is_no_administrator(initialised: Settings) -> None:
    with session(initialised, initialised.postgres_user) as connection:
        connection.execute("create table marts.built as select 1 as x")
        connection.execute("create temporary table step as select 1 as x")
        for statement in ("create schema mine", "create role mine", "create database mine", "drop schema public"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_stranger_with_a_login_on_the_server_is_kept_out(
    initialised: Settings, postgres_server: PostgresServer
) -> None:
    with postgres_server.connect() as admin:
        admin.execute("create role stranger login password 'stranger'")
    with (
        pytest.raises(psycopg.OperationalError, match="permission denied for database"),
        session(initialised, "stranger"),
    ):
        pass


def test_texts_sort_by_their_bytes_and_letters_are_those_of_unicode(initialised: Settings) -> None:
    with session(initialised, ANALYST) as connection:
        query = "select array_agg(t order by t), lower('ÄΣ') from unnest(array['a', 'B', 'ä', 'Z', '_']) t"
        assert connection.execute(query).fetchall() == [(["B", "Z", "_", "a", "ä"], "äσ")]


def test_init_may_be_repeated_and_gives_the_roles_the_passwords_of_the_settings(
    postgres_server: PostgresServer,
) -> None:
    settings = settings_of(postgres_server, Path("unused"), f"made_{uuid4().hex}")
    for _ in range(2):
        initialise(settings)
    changed = settings.model_copy(update={"postgres_analyst_password": SecretStr("another one")})
    try:
        initialise(changed)
        with session(settings, ANALYST, "another one"):
            pass
        with (
            pytest.raises(psycopg.OperationalError, match="password authentication failed"),
            session(settings, ANALYST),
        ):
            pass
    finally:
        initialise(settings)


def test_an_administrator_who_is_no_superuser_can_initialise() -> None:
    # A server of its own: elsewhere the roles are there already, made by a superuser.
    with running_postgres() as server:
        with server.connect() as admin:
            admin.execute("create role admin login createdb createrole password 'admin'")
        settings = settings_of(server, Path("unused"), "nightjar").model_copy(
            update={"postgres_admin_user": "admin", "postgres_admin_password": SecretStr("admin")}
        )
        for _ in range(2):
            initialise(settings)
        with session(settings, ANALYST) as connection:
            assert connection.execute("select count(*) from recs.recommendations").fetchall() == [(0,)]


def test_the_server_logs_no_password_even_where_it_logs_every_statement(postgres_server: PostgresServer) -> None:
    canaries = {
        name: SecretStr(f"canary-{name}-{uuid4().hex}") for name in ("postgres_password", "postgres_analyst_password")
    }
    settings = settings_of(postgres_server, Path("unused"), f"made_{uuid4().hex}")
    with postgres_server.connect() as admin:
        admin.execute("alter system set log_statement = 'all'")
        admin.execute("select pg_reload_conf()")
        try:
            initialise(settings.model_copy(update=canaries))
        finally:
            admin.execute("alter system reset log_statement")
            admin.execute("select pg_reload_conf()")
            initialise(settings)
    log = postgres_server.log.read_text()
    assert "alter role" in log
    assert "canary" not in log


@pytest.mark.parametrize(
    ("changes", "code", "fields"),
    [
        ({"postgres_password": SecretStr("")}, "missing_password", {"settings": ["NIGHTJAR_POSTGRES_PASSWORD"]}),
        (
            {"postgres_password": SecretStr(""), "postgres_analyst_password": SecretStr("")},
            "missing_password",
            {"settings": ["NIGHTJAR_POSTGRES_PASSWORD", "NIGHTJAR_POSTGRES_ANALYST_PASSWORD"]},
        ),
        ({"postgres_user": ANALYST}, "role_of_analysts", {"setting": "NIGHTJAR_POSTGRES_USER", "value": ANALYST}),
        (
            {"postgres_admin_password": SecretStr("wrong")},
            "wrong_password",
            {"user": "postgres", "setting": "NIGHTJAR_POSTGRES_ADMIN"},
        ),
        (
            {"postgres_admin_user": ANALYST, "postgres_admin_password": SecretStr(ANALYST)},
            "permission_denied",
            {"user": ANALYST, "setting": "NIGHTJAR_POSTGRES_ADMIN"},
        ),
    ],
)
def test_what_init_cannot_use_is_named_by_its_setting(
    initialised_server: PostgresServer, changes: dict[str, object], code: str, fields: dict[str, object]
) -> None:
    settings = settings_of(initialised_server, Path("unused"), f"made_{uuid4().hex}").model_copy(update=changes)
    with refused(BadInput, code, wording=False, **fields):
        initialise(settings)


def test_a_database_that_was_made_for_other_texts_is_refused(postgres_server: PostgresServer) -> None:
    name = f"made_{uuid4().hex}"
    with postgres_server.connect() as admin:
        admin.execute(f"create database {name} template template0 encoding 'LATIN1' locale 'C'")
    with refused(BadInput, "wrong_encoding", wording=False, value=name, encoding="LATIN1", locale="C"):
        initialise(settings_of(postgres_server, Path("unused"), name))


def test_the_command_reports_what_it_did_or_that_there_is_nothing_to_do(postgres_server: PostgresServer) -> None:
    settings = settings_of(postgres_server, Path("unused"), f"made_{uuid4().hex}")
    administrators = {
        "NIGHTJAR_POSTGRES_ADMIN_USER": postgres_server.admin_user,
        "NIGHTJAR_POSTGRES_ADMIN_PASSWORD": postgres_server.admin_password,
        "NIGHTJAR_POSTGRES_ANALYST_PASSWORD": ANALYST,
    }
    command = [str(NIGHTJAR), "warehouse", "init"]
    environment = {**os.environ, **variables_of(settings), **administrators}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert open_warehouse(settings).address in done.stdout
    embedded = {**os.environ, "NIGHTJAR_WAREHOUSE_ENGINE": "duckdb"}
    done = subprocess.run(command, env=embedded, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "NIGHTJAR_WAREHOUSE_ENGINE" in done.stdout
