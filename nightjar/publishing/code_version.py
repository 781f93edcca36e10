"""The version of the code that makes a run."""

import subprocess
from importlib.metadata import version

from nightjar.contract.places import REPOSITORY


def code_version() -> str:
    """Return the package version, with the commit where the code runs from a checkout."""
    described = subprocess.run(
        ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    commit = described.stdout.strip()
    return f"{version('nightjar')}+{commit}" if described.returncode == 0 and commit else version("nightjar")
