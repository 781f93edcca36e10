import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from nightjar.contract.errors import BadInput
from nightjar.contract.places import REPOSITORY
from nightjar.stack.team.secrets_file import FERNET, SECRETS, read_secrets, write_secrets
from tests.support.refusals import refused


def test_secrets_are_random_long_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one", "other")]
    for file in files:
        assert write_secrets(file) == list(SECRETS)
        assert file.stat().st_mode & 0o777 == 0o600
    one, other = (read_secrets(file) for file in files)
    assert len({*one.values(), *other.values()}) == 2 * len(SECRETS)
    assert all(len(value) >= 32 for value in one.values())
    # Every reader takes these characters literally: a shell, Compose, the supervisor, an address.
    assert all(re.fullmatch(r"[A-Za-z0-9_=-]+", value) for value in one.values())
    Fernet(one[FERNET])


def test_existing_secrets_stay_and_missing_ones_are_added(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# ours\nNIGHTJAR_POSTGRES_PASSWORD=chosen-by-a-person\nOTHER=x\n")
    file.chmod(0o644)
    made = write_secrets(file)
    assert "NIGHTJAR_POSTGRES_PASSWORD" not in made
    assert len(made) == len(SECRETS) - 1
    assert file.read_text().startswith("# ours\nNIGHTJAR_POSTGRES_PASSWORD=chosen-by-a-person\nOTHER=x\n")
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    assert write_secrets(file) == []
    assert file.read_text() == before


@pytest.mark.parametrize(
    "value", ["", "short", 'quoted"-and-long-enough', "dollar$-and-long-enough", "sp ace-and-long-en"]
)
def test_a_value_that_a_reader_would_misread_is_named_but_not_shown(tmp_path: Path, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"NIGHTJAR_POSTGRES_PASSWORD={value}\n")
    before = file.read_text()
    setting = "NIGHTJAR_POSTGRES_PASSWORD"
    with refused(BadInput, "unusable_secret", file=file, setting=setting) as caught:
        write_secrets(file)
    assert not value or value not in str((caught.value, caught.value.fields))
    assert file.read_text() == before


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write_secrets(file)
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith(FERNET)))
    with refused(BadInput, "missing_secrets", file=file, setting=[FERNET]):
        read_secrets(file)


def test_the_command_needs_only_python_and_prints_no_secret(tmp_path: Path) -> None:
    # -S: without what is installed beside the standard library.
    command = [sys.executable, "-S", "-m", "nightjar.stack.team.secrets_file", str(tmp_path / ".env")]
    umask = os.umask(0)
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    finally:
        os.umask(umask)
    file, _, counts = done.stdout.partition(": ")
    assert (file, re.findall(r"\d+", counts)) == (str(tmp_path / ".env"), ["9", "0"])
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert not any(value in done.stdout + done.stderr for value in read_secrets(tmp_path / ".env").values())
