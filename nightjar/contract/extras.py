"""Packages that only some settings and commands need: the extras of pyproject.toml that are in no lock."""

from importlib.util import find_spec

from nightjar.contract.errors import BadInput

_INSTALL = ".venv/bin/uv pip install --python .venv/bin/python --constraints requirements.lock --editable '.[{}]'"


def require_package(needed_by: str, module: str, package: str, extra: str, **origin: str) -> None:
    """Check that a package is installed; nothing is imported.

    Args:
        needed_by: The setting or option, as the error calls it.
        module: The package's module.
        package: Its name.
        extra: The extra that brings it.
        **origin: Field of the error that says what needs it: `setting` or `option`.

    Raises:
        BadInput: it is not; names the command that installs it.
    """
    if find_spec(module) is None:
        raise BadInput(
            f"{needed_by} needs the package {package}: {_INSTALL.format(extra)}",
            code="missing_package",
            package=package,
            **dict(origin),
        )
