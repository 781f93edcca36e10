"""Keys and passwords of one home's stack: generated once, kept in files that only their owner reads.

The programs get them from the supervisor's environment, so that no command line or configuration contains one.
"""

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from nightjar.contract.atomic_files import write_text
from nightjar.stack.paths import StackPaths

USER = "admin"


@dataclass(frozen=True)
class Credentials:
    """The secrets that the programs share; letters, digits, `-`, `_` and `=` only."""

    database_password: str
    fernet_key: str
    jwt_secret: str
    api_secret_key: str


def load_credentials(paths: StackPaths) -> Credentials:
    """Read the secrets, after generating those that are missing; the password of `admin` too.

    Airflow prints a password that it generates itself: there must be one before it starts.
    """
    if not paths.password.exists():
        write_private(paths.password, json.dumps({USER: secrets.token_urlsafe(16)}) + "\n")
    if not paths.secrets.exists():
        made = Credentials(
            database_password=secrets.token_urlsafe(24),
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            jwt_secret=secrets.token_urlsafe(32),
            api_secret_key=secrets.token_urlsafe(32),
        )
        write_private(paths.secrets, json.dumps(asdict(made), indent=2) + "\n")
    return Credentials(**json.loads(paths.secrets.read_text(encoding="utf-8")))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    write_text(path, text, mode=0o600)
