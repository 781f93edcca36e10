"""PostgreSQL alone, where a socket's path would be too long and where its user cannot go."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg2
import pytest

from nightjar.contract.errors import BadInput
from nightjar.stack.credentials import load_credentials
from nightjar.stack.paths import StackPaths, make_private_folder
from nightjar.stack.postgres import database_check, database_command, prepare_database, system_user
from tests.support.refusals import refused

pytestmark = pytest.mark.stack


def test_the_database_of_a_deep_home_can_be_prepared_repeatedly(open_folder: Path) -> None:
    paths = StackPaths(open_folder / "a-folder-of-a-deep-tree" / ("deep" * 20))
    make_private_folder(paths.folder, os.getuid())
    paths.home.chmod(0o755)
    paths.home.parent.chmod(0o755)
    credentials = load_credentials(paths)
    assert not paths.database_socket_folder.is_relative_to(paths.home)
    try:
        for _ in range(2):
            prepare_database(paths, credentials)
            with subprocess.Popen(database_command(paths), user=system_user(), cwd="/") as server:
                try:
                    deadline = time.monotonic() + 60
                    while subprocess.run(database_check(paths), check=False).returncode != 0:
                        assert time.monotonic() < deadline
                        time.sleep(0.1)
                    psycopg2.connect(
                        host=str(paths.database_socket_folder),
                        user="airflow",
                        password=credentials.database_password,
                        dbname="airflow",
                    ).close()
                finally:
                    server.send_signal(signal.SIGINT)
    finally:
        shutil.rmtree(paths.database_socket_folder, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_closed_folder_above_the_home_is_named_and_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    paths = StackPaths(closed / "home")
    make_private_folder(paths.folder, os.getuid())
    with refused(BadInput, "not_accessible", wording=False, value="pgserver"):
        prepare_database(paths, load_credentials(paths))
    assert closed.stat().st_mode & 0o777 == 0o700
