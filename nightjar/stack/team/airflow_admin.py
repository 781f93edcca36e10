"""Creates Airflow's user `admin` by the FAB auth manager's code, whose command would show the password in argv.

`python -m nightjar.stack.team.airflow_admin` reads Airflow's database from its environment and the password from
the setting. It is a separate process, because Airflow reads its configuration and opens the database on import.
"""

import sys

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.progress import error_line
from nightjar.contract.settings import load_settings
from nightjar.stack.credentials import USER


def set_admin_password(password: str) -> str:
    """Create the user with the role Admin, or change its password if it has another; return the result.

    Raises:
        BadInput: the password is empty.
        NightjarError: the auth manager refuses.
    """
    if not password:
        setting = "NIGHTJAR_AIRFLOW_ADMIN_PASSWORD"
        raise BadInput(f"{setting} is empty: set it", code="missing_password", setting=setting)
    with get_application_builder() as builder:
        security = builder.sm
        found = security.find_user(username=USER)
        if found is None:
            role = security.find_role("Admin")
            done, what = (
                security.add_user(USER, "Nightjar", "Admin", f"{USER}@localhost", role, password),
                "was created",
            )
        elif security.check_password(USER, password):
            # A change would end the sessions of logged-in users.
            return "is unchanged"
        else:
            done, what = security.reset_password(found.id, password), "has a new password"
    if not done:
        raise NightjarError(f"Airflow's auth manager refuses the user {USER}", code="user_refused", value=USER)
    return what


def main() -> int:
    """Set the password, and print the result or the error in one line."""
    try:
        print(f"Airflow's user {USER} {set_admin_password(load_settings().airflow_admin_password.get_secret_value())}")
    except NightjarError as error:
        print(error_line(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
