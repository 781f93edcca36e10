"""Runs commands of Airflow one after the other in one process: to import it takes longer than what most of them do.

`nightjar` starts it: `python -m dags.support.airflow_commands JSON`, a list of lists of arguments. The first command
that fails ends it.
"""

import json
import sys

from airflow.__main__ import main as run_airflow


def main(commands: list[list[str]]) -> None:
    """Run the commands."""
    for arguments in commands:
        sys.argv = ["airflow", *arguments]
        run_airflow()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
