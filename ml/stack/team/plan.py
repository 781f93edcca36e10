"""The team's stack on one machine: what docker-compose.yml describes, as processes of one home."""

from ml.stack.database import create_data_folder, own_by_system_user
from ml.stack.environment import without_proxy
from ml.stack.places import Places
from ml.stack.plan import Plan
from ml.stack.team.environments import INITDB_OPTIONS
from ml.stack.team.secrets_file import POSTGRES_ADMIN, read_secrets, write_secrets
from ml.stack.team.services import team_services
from ml.stack.team.site import processes
from warehouse.run_folder import write_text
from warehouse.settings import STACK_MARK, Settings, inherited_environment


def team_plan(settings: Settings) -> Plan:
    """Return how the team's stack of a home is started; makes its secrets if they are missing."""
    places = Places.of(settings)
    write_secrets(places.team_secrets)
    secrets = read_secrets(places.team_secrets)
    inherited = inherited_environment()
    environment = {
        **inherited,
        **{name: without_proxy(inherited.get(name, "")) for name in ("NO_PROXY", "no_proxy")},
        **secrets,
        STACK_MARK: str(settings.home),
    }
    return Plan(
        programs=team_services(processes(settings), environment),
        environment=environment,
        prepare=lambda: _create_database(places, secrets[POSTGRES_ADMIN]),
        initialise=lambda: None,
    )


def _create_database(places: Places, password: str) -> None:
    """Do what the server's image does when its volume is empty."""
    aside = places.team_database.with_name(f".{places.team_database.name}.password")
    write_text(aside, f"{password}\n", mode=0o600)
    own_by_system_user(aside)
    try:
        create_data_folder(
            places.team_database,
            [*INITDB_OPTIONS.split(), f"--pwfile={aside}"],
            advice="dump it with the old version and load it with the new one (docs/operating.md)",
        )
    finally:
        aside.unlink()
