"""What a person reads when the database is not there, refuses, or is no warehouse: one line that says what to do."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.settings import Settings
from nightjar.warehouse.postgres.adapter import PostgresWarehouse
from tests.support.postgres_server import PostgresServer
from tests.support.refusals import refused, refused_command
from tests.support.warehouse_homes import variables_of

NIGHTJAR = Path(sys.executable).parent / "nightjar"
PIPELINE = {"user": "nightjar_pipeline", "setting": "NIGHTJAR_POSTGRES"}


def assert_refused(
    settings: Settings,
    use: Callable[[PostgresWarehouse], object],
    kind: type[NightjarError],
    code: str,
    **fields: object,
) -> None:
    """Assert that a use of the warehouse is refused in one line that holds no password."""
    with refused(kind, code, wording=False, **fields) as caught:
        use(PostgresWarehouse.of(settings))
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert "canary" not in f"{caught.value} {caught.value.fields}"


def look(warehouse: PostgresWarehouse) -> None:
    with warehouse.connect(read_only=True):
        pass


def test_a_wrong_password_names_its_setting(postgres_settings: Settings) -> None:
    wrong = postgres_settings.model_copy(update={"postgres_password": SecretStr("canary-password")})
    for use in (look, PostgresWarehouse.create_tables):
        assert_refused(wrong, use, BadInput, "wrong_password", **PIPELINE)


def test_a_missing_password_names_its_setting(postgres_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    without = postgres_settings.model_copy(update={"postgres_password": SecretStr("")})
    assert_refused(without, look, BadInput, "missing_password", **PIPELINE)


def test_a_missing_database_is_to_be_initialised(postgres_settings: Settings) -> None:
    elsewhere = postgres_settings.model_copy(update={"postgres_database": "missing"})
    assert_refused(elsewhere, look, BadInput, "unknown_database", database="missing")


def test_a_database_that_is_no_warehouse_is_to_be_initialised(
    postgres_settings: Settings, postgres_server: PostgresServer
) -> None:
    name = postgres_server.create_database(f"empty_{uuid4().hex}")
    empty = postgres_settings.model_copy(update={"postgres_database": name})
    for use in (look, PostgresWarehouse.create_tables):
        assert_refused(empty, use, BadInput, "not_initialised", setting="NIGHTJAR_POSTGRES_DATABASE")


def test_a_server_that_does_not_answer_may_answer_later(postgres_settings: Settings) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        unreachable = postgres_settings.model_copy(update={"postgres_port": silent.getsockname()[1]})
        assert_refused(unreachable, look, NightjarError, "server_unreachable", port=unreachable.postgres_port)


def test_a_role_that_may_only_read_is_refused_with_its_setting(postgres_settings: Settings) -> None:
    changes = {"postgres_user": "nightjar_analyst", "postgres_password": SecretStr("nightjar_analyst")}

    def write(warehouse: PostgresWarehouse) -> None:
        with warehouse.transaction() as connection:
            connection.execute("delete from recs.gate_decisions")

    analyst = postgres_settings.model_copy(update=changes)
    assert_refused(analyst, write, BadInput, "permission_denied", user="nightjar_analyst", setting="NIGHTJAR_POSTGRES")


def test_a_server_that_goes_away_in_the_middle_is_one_line(
    postgres_settings: Settings, postgres_server: PostgresServer
) -> None:
    def lose(warehouse: PostgresWarehouse) -> None:
        with warehouse.transaction() as connection, postgres_server.connect() as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                [postgres_settings.postgres_database],
            )
            connection.execute("select 1")

    assert_refused(postgres_settings, lose, NightjarError, "connection_lost", **PIPELINE)


@pytest.mark.parametrize("command", [["status"], ["retention"], ["run", "--date", "2026-03-31"], ["recommend", "u"]])
def test_every_command_ends_with_one_line_and_the_code_of_bad_input(
    postgres_settings: Settings, command: list[str]
) -> None:
    missing = postgres_settings.model_copy(update={"postgres_database": "missing"})
    environment = {**os.environ, **variables_of(missing)}
    done = subprocess.run([NIGHTJAR, *command], env=environment, capture_output=True, text=True, check=False)
    refused_command(done, 2, "unknown_database", "missing", "NIGHTJAR_POSTGRES_DATABASE")
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
