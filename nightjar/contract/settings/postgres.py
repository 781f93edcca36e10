"""Settings of a warehouse in PostgreSQL."""

from pydantic import SecretStr

from nightjar.contract.settings.field import Port, SettingsGroup, connection


class PostgresSettings(SettingsGroup):
    """PostgreSQL."""

    postgres_host: str = connection("127.0.0.1", description="Host of PostgreSQL, or the folder of its socket.")
    postgres_port: Port = connection(5432, description="Port of PostgreSQL.")
    postgres_database: str = connection("nightjar", description="Database that is the warehouse.")
    postgres_user: str = connection("nightjar_pipeline", description="Role that writes the warehouse.")
    postgres_password: SecretStr = connection(SecretStr(""), description="Password of NIGHTJAR_POSTGRES_USER.")
    postgres_analyst_password: SecretStr = connection(
        SecretStr(""),
        administrative=True,
        description="Password of the role `nightjar_analyst`, set by `nightjar warehouse init`.",
    )
    postgres_admin_user: str = connection(
        "postgres",
        administrative=True,
        description="Role that `nightjar warehouse init` connects as; it may create roles and databases.",
    )
    postgres_admin_password: SecretStr = connection(
        SecretStr(""),
        administrative=True,
        description="Password of NIGHTJAR_POSTGRES_ADMIN_USER; no other command needs it.",
    )
