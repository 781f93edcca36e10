"""Checks of errors: by kind, code and fields; their words stand in the wording file alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import CompletedProcess
from typing import Any

import pytest

from nightjar.contract.errors import NightjarError
from nightjar.contract.progress import ERROR_LINE
from tests.support.golden import check_wording


@contextmanager
def refused(
    kind: type[NightjarError], code: str, *, wording: bool = True, **fields: object
) -> Iterator[pytest.ExceptionInfo[NightjarError]]:
    """Assert that the block raises an error of this kind, code and fields; the error may have more fields.

    Args:
        kind: the class of the error.
        code: its code.
        wording: whether its message is held by the wording file too.
        **fields: what its fields must hold; a path is compared as text.
    """
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    assert (error.code, _texts(error.fields, fields)) == (code, _texts(fields, fields)), repr(error)
    if wording:
        check_wording(str(error))


def refused_command(done: CompletedProcess[str], exit_code: int, code: str, *names: str) -> str:
    """Assert that a command ended with this exit code, this error code, and a reason that holds these names.

    Returns:
        The reason.
    """
    assert done.returncode == exit_code, done.stdout + done.stderr
    line = next(reversed([*ERROR_LINE.finditer(done.stdout)]), None)
    assert line is not None, done.stdout + done.stderr
    assert (int(line["exit_code"]), line["code"]) == (exit_code, code), line[0]
    for name in names:
        assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line["reason"]), line[0]
    return line["reason"]


def _texts(fields: dict[str, Any], names: dict[str, object]) -> dict[str, str]:
    return {name: str(fields.get(name)) for name in names}
