"""The passwords and keys of a team's stack: generated once, kept in a file that only its owner reads.

`python -m nightjar.stack.team.secrets_file .env` generates the missing ones and keeps the others. It needs only
Python, so that a machine that only runs containers has nothing to install.
"""

import base64
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from nightjar.contract.atomic_files import write_text
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.progress import error_line

# What a shell, Docker Compose and the supervisor all read literally.
_READABLE = re.compile(r"[A-Za-z0-9_=,-]+")
_SHORTEST = 16


def _password() -> str:
    return secrets.token_urlsafe(24)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


POSTGRES_ADMIN = "NIGHTJAR_POSTGRES_ADMIN_PASSWORD"
PIPELINE = "NIGHTJAR_POSTGRES_PASSWORD"
ANALYST = "NIGHTJAR_POSTGRES_ANALYST_PASSWORD"
AIRFLOW_DATABASE = "NIGHTJAR_AIRFLOW_DATABASE_PASSWORD"
MLFLOW_DATABASE = "NIGHTJAR_MLFLOW_DATABASE_PASSWORD"
AIRFLOW_ADMIN = "NIGHTJAR_AIRFLOW_ADMIN_PASSWORD"
FERNET = "AIRFLOW__CORE__FERNET_KEY"
JWT = "AIRFLOW__API_AUTH__JWT_SECRET"
API_KEY = "AIRFLOW__API__SECRET_KEY"  # pragma: allowlist secret

SECRETS: dict[str, Callable[[], str]] = {
    POSTGRES_ADMIN: _password,
    PIPELINE: _password,
    ANALYST: _password,
    AIRFLOW_DATABASE: _password,
    MLFLOW_DATABASE: _password,
    AIRFLOW_ADMIN: _password,
    FERNET: _fernet_key,
    JWT: _password,
    API_KEY: _password,
}


def write_secrets(path: Path) -> list[str]:
    """Add the missing secrets to a file that only its owner reads; return their names.

    Raises:
        BadInput: a value is too short or has an unsupported character.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [name for name in SECRETS if name not in _values(text)]
    _check(path, _values(text))
    if missing:
        lines = [*text.splitlines(), *(f"{name}={SECRETS[name]()}" for name in missing)]
        write_text(path, "\n".join(lines) + "\n", mode=0o600)
    path.chmod(0o600)
    return missing


def read_secrets(path: Path) -> dict[str, str]:
    """Return every secret by its name.

    Raises:
        BadInput: one is missing, too short or has an unsupported character.
    """
    found = _values(path.read_text(encoding="utf-8"))
    if missing := [name for name in SECRETS if name not in found]:
        raise BadInput(
            f"{path} lacks {', '.join(missing)}: run make secrets", code="missing_secrets", file=path, setting=missing
        )
    _check(path, found)
    return {name: found[name] for name in SECRETS}


def _values(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _check(path: Path, values: dict[str, str]) -> None:
    """Refuse a value that is too short or that some reader would misread; the message does not contain it."""
    for name in SECRETS:
        value = values.get(name)
        if value is not None and (len(value) < _SHORTEST or not _READABLE.fullmatch(value)):
            raise BadInput(
                f"{path}: {name} needs at least {_SHORTEST} letters, digits, `-`, `_`, `=` or `,`, and nothing else",
                code="unusable_secret",
                file=path,
                setting=name,
            )


def main() -> int:
    """Generate the missing secrets of the named file; print their number, never a value."""
    path = Path(sys.argv[1])
    try:
        made = write_secrets(path)
    except NightjarError as error:
        print(error_line(error))
        return error.exit_code
    print(f"{path}: {len(made)} secrets generated, {len(SECRETS) - len(made)} kept; only its owner reads it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
