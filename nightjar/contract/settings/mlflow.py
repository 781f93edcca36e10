"""Settings of how MLflow is reached."""

import re
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from nightjar.contract.settings.field import Port, SettingsGroup, connection

# Part of registered URIs such as `models:/nightjar/7` and of filters in quotes.
_MLFLOW_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


class MlflowSettings(SettingsGroup):
    """MLflow."""

    mlflow_url: str = connection(
        "",
        description="Address of the MLflow server that stages log to; empty: the home's own file. The stack sets it.",
    )
    mlflow_public_url: str = connection(
        "", description="Address of that server in a browser, for links; empty: NIGHTJAR_MLFLOW_URL."
    )
    mlflow_name: str = connection(
        "nightjar",
        description="Name of the experiment and of the model in MLflow; warehouses that share a server need different "
        "ones.",
    )
    mlflow_port: Port = connection(5000, description="Loopback port of the stack's MLflow server.")
    mlflow_database_password: SecretStr = connection(
        SecretStr(""),
        administrative=True,
        description="Password of MLflow's role in PostgreSQL, set by `nightjar stack init-databases`.",
    )

    @field_validator("mlflow_url", "mlflow_public_url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        address = urlsplit(url)
        if "@" in address.netloc:
            raise ValueError("put name and password into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        if url and (
            address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment
        ):
            raise ValueError("expected http://host:port or https://host:port")
        return url.rstrip("/")

    @field_validator("mlflow_name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _MLFLOW_NAME.fullmatch(name):
            raise ValueError("expected letters, digits, - and _, at most 100 of them")
        return name
