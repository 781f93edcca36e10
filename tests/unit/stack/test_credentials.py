import json

from nightjar.contract.settings import Settings
from nightjar.stack.credentials import load_credentials
from nightjar.stack.paths import StackPaths


def test_secrets_are_generated_once_and_only_their_owner_reads_them(settings: Settings) -> None:
    paths = StackPaths.of(settings)
    paths.folder.mkdir(parents=True)
    first = load_credentials(paths)
    password = json.loads(paths.password.read_text())["admin"]
    assert len(password) >= 20
    assert load_credentials(paths) == first
    assert json.loads(paths.password.read_text()) == {"admin": password}
    assert {path.name: path.stat().st_mode & 0o777 for path in paths.folder.iterdir()} == {
        "airflow_passwords.json": 0o600,
        "secrets.json": 0o600,
    }


def test_two_homes_share_no_secret(settings: Settings) -> None:
    other = Settings(home=settings.home / "other")
    for each in (settings, other):
        StackPaths.of(each).folder.mkdir(parents=True)
    one, two = (vars(load_credentials(StackPaths.of(each))) for each in (settings, other))
    assert not set(one.values()) & set(two.values())
