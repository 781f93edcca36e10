"""The paths of one home's stack: files, sockets and logs.

A unix socket's path may hold about a hundred characters, so a deep home has its sockets in the temporary folder.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings

# The limit is 108 on Linux and 104 on macOS; PostgreSQL adds `/.s.PGSQL.5432.lock` to its folder.
_LONGEST_SOCKET_FOLDER = 80


@dataclass(frozen=True)
class StackPaths:
    """The paths of one home's stack."""

    home: Path

    @classmethod
    def of(cls, settings: Settings) -> "StackPaths":
        """Return the paths of the settings' home."""
        return cls(settings.home)

    @property
    def folder(self) -> Path:
        """Folder that only the operator reads: configuration, secrets, password, process id."""
        return self.home / "stack"

    @property
    def config(self) -> Path:
        """Rendered configuration of the supervisor."""
        return self.folder / "supervisord.conf"

    @property
    def process_id(self) -> Path:
        """File with the process id of the supervisor."""
        return self.folder / "supervisord.pid"

    @property
    def lock(self) -> Path:
        """Lock file: one start or stop of a home at a time."""
        return self.folder / "lock"

    @property
    def secrets(self) -> Path:
        """Keys and passwords between the programs."""
        return self.folder / "secrets.json"

    @property
    def password(self) -> Path:
        """Password of the user `admin`, in Airflow's own format."""
        return self.folder / "airflow_passwords.json"

    @property
    def team_secrets(self) -> Path:
        """Keys and passwords of the team stack."""
        return self.folder / "team.env"

    @property
    def logs(self) -> Path:
        """Folder with one log a program."""
        return self.home / "logs" / "stack"

    @property
    def database(self) -> Path:
        """PostgreSQL's data."""
        return self.home / "postgres"

    @property
    def team_database(self) -> Path:
        """PostgreSQL's data of the team stack."""
        return self.home / "team-postgres"

    @property
    def supervisor_socket(self) -> Path:
        """The supervisor's control socket."""
        return self._socket_folder("stack") / "supervisor.sock"

    @property
    def database_socket_folder(self) -> Path:
        """Folder of the socket that PostgreSQL listens on; it has no other address."""
        return self._socket_folder("postgres")

    def _socket_folder(self, name: str) -> Path:
        inside = self.home / name
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_FOLDER:
            return inside
        home = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"nightjar-{os.getuid()}-{home}-{name}"


def make_private_folder(path: Path, owner: int) -> None:
    """Create a folder that only its owner enters.

    Raises:
        BadInput: another user created it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in (os.getuid(), owner):
        raise BadInput(
            f"{path} belongs to another user, expected user id {owner}: remove it",
            code="owned_by_another_user",
            path=path,
            expected=owner,
        )
    path.chmod(0o700)
    if path.stat().st_uid != owner:
        os.chown(path, owner, -1)
