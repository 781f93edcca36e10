"""Checks that MLflow's store accepts a run, before the run begins.

Without MLflow's client, whose import alone takes longer than everything else that `begin` does. A server that does not
answer now is no error here: the stages try again.
"""

import base64
import json
import sqlite3
from contextlib import closing
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from nightjar.contract.environment import tracking_login
from nightjar.contract.errors import BadInput
from nightjar.contract.progress import MARK
from nightjar.contract.settings import Settings

_SECONDS = 10.0
_ACTIVE = "active"


def check_experiment(settings: Settings) -> None:
    """Check that the experiment `mlflow_name` is not deleted; one that does not exist yet will be created.

    Raises:
        BadInput: it is deleted, and every stage that logs would fail.
    """
    experiment = _of_server(settings) if settings.mlflow_url else _of_file(settings)
    if experiment and experiment[1] != _ACTIVE:
        raise deleted_experiment(settings, experiment[0])


def deleted_experiment(settings: Settings, experiment_id: str) -> BadInput:
    """Return the error of a deleted experiment."""
    return BadInput(
        f"MLflow's experiment {settings.mlflow_name} is deleted: restore it with mlflow experiments restore -x "
        f"{experiment_id} (MLFLOW_TRACKING_URI={settings.mlflow_uri}), or set NIGHTJAR_MLFLOW_NAME to another name",
        code="deleted_experiment",
        setting="NIGHTJAR_MLFLOW_NAME",
        value=settings.mlflow_name,
        experiment_id=experiment_id,
    )


def _of_file(settings: Settings) -> tuple[str, str] | None:
    path = settings.home / "mlflow.db"
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            row = connection.execute(
                "select experiment_id, lifecycle_stage from experiments where name = ?", [settings.mlflow_name]
            ).fetchone()
    except sqlite3.Error:
        # Of another version, or being created at this moment: MLflow itself reports it.
        return None
    return (str(row[0]), str(row[1])) if row else None


def _of_server(settings: Settings) -> tuple[str, str] | None:
    name = quote(settings.mlflow_name)
    request = Request(f"{settings.mlflow_url}/api/2.0/mlflow/experiments/get-by-name?experiment_name={name}")  # noqa: S310 the setting's own address
    user, password, token = tracking_login()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    elif user:
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 the setting's own address
            experiment = json.load(answer)["experiment"]
        return str(experiment["experiment_id"]), str(experiment["lifecycle_stage"])
    except HTTPError:
        # There is none of that name, or the server requires another login: the stages report which.
        return None
    except (URLError, OSError, ValueError, KeyError) as error:
        print(f"{MARK} begin: NIGHTJAR_MLFLOW_URL={settings.mlflow_url} does not answer yet: {error}", flush=True)
        return None
