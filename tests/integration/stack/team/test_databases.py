"""The databases of Airflow and MLflow on a real server."""

import psycopg
import pytest
from pydantic import SecretStr

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.stack.team.databases import create_databases
from tests.support.postgres_server import PostgresServer
from tests.support.refusals import refused


def settings_of(server: PostgresServer, airflow: str = "airflow-password", mlflow: str = "mlflow-password") -> Settings:
    return Settings(
        postgres_host=server.host,
        postgres_port=server.port,
        postgres_admin_user=server.admin_user,
        postgres_admin_password=SecretStr(server.admin_password),
        airflow_database_password=SecretStr(airflow),
        mlflow_database_password=SecretStr(mlflow),
    )


def connect(server: PostgresServer, user: str, password: str, database: str) -> psycopg.Connection:
    return psycopg.connect(host=server.host, port=server.port, user=user, password=password, dbname=database)


def test_each_program_owns_its_database_and_cannot_connect_to_another(postgres_server: PostgresServer) -> None:
    create_databases(settings_of(postgres_server))
    for name, other in (("airflow", "mlflow"), ("mlflow", "airflow")):
        with connect(postgres_server, name, f"{name}-password", name) as connection:
            connection.execute("create table if not exists kept (n integer)")
        for closed in (other, "postgres"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect(postgres_server, name, f"{name}-password", closed)


def test_a_second_call_changes_the_passwords_and_keeps_the_data(postgres_server: PostgresServer) -> None:
    create_databases(settings_of(postgres_server))
    with connect(postgres_server, "airflow", "airflow-password", "airflow") as connection:
        connection.execute("create table if not exists kept (n integer)")
        connection.execute("insert into kept values (7)")
    create_databases(settings_of(postgres_server, airflow="it's another"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(postgres_server, "airflow", "airflow-password", "airflow")
    with connect(postgres_server, "airflow", "it's another", "airflow") as connection:
        assert connection.execute("select max(n) from kept").fetchone() == (7,)
    with connect(postgres_server, "mlflow", "mlflow-password", "mlflow"):
        pass


def test_a_missing_password_is_named_before_anything_is_created(postgres_server: PostgresServer) -> None:
    missing = ["NIGHTJAR_AIRFLOW_DATABASE_PASSWORD", "NIGHTJAR_MLFLOW_DATABASE_PASSWORD"]
    with refused(BadInput, "missing_password", wording=False, setting=missing):
        create_databases(settings_of(postgres_server, airflow="", mlflow=""))


def test_a_refused_administrator_gets_the_name_of_the_setting(postgres_server: PostgresServer) -> None:
    wrong = settings_of(postgres_server).model_copy(update={"postgres_admin_password": SecretStr("wrong")})
    with pytest.raises(BadInput, match="NIGHTJAR_POSTGRES_ADMIN_PASSWORD"):
        create_databases(wrong)
