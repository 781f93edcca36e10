"""The team's stack on one machine: what docker-compose.yml describes, as processes of one home."""

from nightjar.contract.atomic_files import write_text
from nightjar.contract.environment import STACK_MARK, inherited_environment
from nightjar.contract.settings import Settings
from nightjar.stack.database import create_data_folder, own_by_system_user
from nightjar.stack.environment import without_proxy
from nightjar.stack.paths import Places
from nightjar.stack.program import Plan
from nightjar.stack.team.programs import team_programs
from nightjar.stack.team.secrets_file import POSTGRES_ADMIN, SECRETS, read_secrets, write_secrets


def team_plan(settings: Settings) -> Plan:
    """Return how the team's stack of a home is started; makes its secrets if they are missing."""
    places = Places.of(settings)
    write_secrets(places.team_secrets)
    secrets = read_secrets(places.team_secrets)
    inherited = inherited_environment()
    programs = team_programs(settings, inherited)
    initdb = programs[0].environment["POSTGRES_INITDB_ARGS"].split()
    return Plan(
        programs,
        environment={
            **inherited,
            **{name: without_proxy(inherited.get(name, "")) for name in ("NO_PROXY", "no_proxy")},
            **secrets,
            STACK_MARK: str(settings.home),
        },
        secrets=tuple(SECRETS),
        prepare=lambda: _create_database(places, initdb, secrets[POSTGRES_ADMIN]),
        initialise=lambda: None,
    )


def _create_database(places: Places, options: list[str], password: str) -> None:
    """Do what the server's image does when its volume is empty."""
    aside = places.team_database.with_name(f".{places.team_database.name}.password")
    write_text(aside, f"{password}\n", mode=0o600)
    own_by_system_user(aside)
    try:
        create_data_folder(
            places.team_database,
            [*options, f"--pwfile={aside}"],
            advice="dump it with the old version and load it with the new one (docs/operating.md)",
        )
    finally:
        aside.unlink()
