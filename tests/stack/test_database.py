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
from nightjar.stack.database import database_check, database_command, prepare_database, system_user
from nightjar.stack.paths import Places, make_private_folder
from tests.support.refusals import refused

pytestmark = pytest.mark.stack


def test_a_deep_home_has_a_database_that_is_prepared_as_often_as_one_likes(open_folder: Path) -> None:
    places = Places(open_folder / "a-folder-of-a-deep-tree" / ("deep" * 20))
    make_private_folder(places.folder, os.getuid())
    places.home.chmod(0o755)
    places.home.parent.chmod(0o755)
    credentials = load_credentials(places)
    assert not places.database_socket_folder.is_relative_to(places.home)
    try:
        for _ in range(2):
            prepare_database(places, credentials)
            with subprocess.Popen(database_command(places), user=system_user(), cwd="/") as server:
                try:
                    deadline = time.monotonic() + 60
                    while subprocess.run(database_check(places), check=False).returncode != 0:
                        assert time.monotonic() < deadline
                        time.sleep(0.1)
                    psycopg2.connect(
                        host=str(places.database_socket_folder),
                        user="airflow",
                        password=credentials.database_password,
                        dbname="airflow",
                    ).close()
                finally:
                    server.send_signal(signal.SIGINT)
    finally:
        shutil.rmtree(places.database_socket_folder, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_closed_folder_above_the_home_is_named_and_stays_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    places = Places(closed / "home")
    make_private_folder(places.folder, os.getuid())
    with refused(BadInput, "not_accessible", wording=False, value="pgserver"):
        prepare_database(places, load_credentials(places))
    assert closed.stat().st_mode & 0o777 == 0o700
