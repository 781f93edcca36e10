import json

from nightjar.contract.settings import Settings
from nightjar.stack.credentials import load_credentials
from nightjar.stack.paths import Places


def test_secrets_are_made_once_and_only_their_owner_reads_them(settings: Settings) -> None:
    places = Places.of(settings)
    places.folder.mkdir(parents=True)
    first = load_credentials(places)
    password = json.loads(places.password.read_text())["admin"]
    assert len(password) >= 20
    assert load_credentials(places) == first
    assert json.loads(places.password.read_text()) == {"admin": password}
    assert {path.name: path.stat().st_mode & 0o777 for path in places.folder.iterdir()} == {
        "airflow_passwords.json": 0o600,
        "secrets.json": 0o600,
    }


def test_two_homes_share_no_secret(settings: Settings) -> None:
    other = Settings(home=settings.home / "other")
    for each in (settings, other):
        Places.of(each).folder.mkdir(parents=True)
    one, two = (vars(load_credentials(Places.of(each))) for each in (settings, other))
    assert not set(one.values()) & set(two.values())
