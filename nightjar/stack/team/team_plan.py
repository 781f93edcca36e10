"""The plan of the team's stack on one machine: the services of docker-compose.yml as processes of one home."""

from nightjar.contract.atomic_files import write_text
from nightjar.contract.environment import STACK_MARK, inherited_environment
from nightjar.contract.settings import Settings
from nightjar.stack.environment import without_proxy
from nightjar.stack.paths import StackPaths
from nightjar.stack.postgres import create_data_folder, own_by_system_user
from nightjar.stack.program import StackPlan
from nightjar.stack.team.programs import team_programs
from nightjar.stack.team.secrets_file import POSTGRES_ADMIN, SECRETS, read_secrets, write_secrets


def team_plan(settings: Settings) -> StackPlan:
    """Return the plan of a home's team stack; generates its secrets if they are missing."""
    paths = StackPaths.of(settings)
    write_secrets(paths.team_secrets)
    secrets = read_secrets(paths.team_secrets)
    inherited = inherited_environment()
    programs = team_programs(settings, inherited)
    initdb = programs[0].environment["POSTGRES_INITDB_ARGS"].split()
    return StackPlan(
        programs,
        environment={
            **inherited,
            **{name: without_proxy(inherited.get(name, "")) for name in ("NO_PROXY", "no_proxy")},
            **secrets,
            STACK_MARK: str(settings.home),
        },
        secrets=tuple(SECRETS),
        prepare=lambda: _create_database(paths, initdb, secrets[POSTGRES_ADMIN]),
        initialise=lambda: None,
    )


def _create_database(paths: StackPaths, options: list[str], password: str) -> None:
    """Create the data folder as the server's image does when its volume is empty."""
    aside = paths.team_database.with_name(f".{paths.team_database.name}.password")
    write_text(aside, f"{password}\n", mode=0o600)
    own_by_system_user(aside)
    try:
        create_data_folder(
            paths.team_database,
            [*options, f"--pwfile={aside}"],
            advice="dump it with the old version and load it with the new one (docs/operating.md)",
        )
    finally:
        aside.unlink()
