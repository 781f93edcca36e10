"""Files of expected text: compared as they stand, and written again where `NIGHTJAR_REWRITE_GOLDEN` is set.

`make golden` sets it and runs the tests that compare with such files; a reviewer reads the difference.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

REWRITES = os.environ.get("NIGHTJAR_REWRITE_GOLDEN") == "1"
WORDING = Path(__file__).parents[1] / "wording.json"
# Folders that pytest makes for one session, process and test: their numbers are those of the moment.
_SESSION_FOLDER = re.compile(r"/[^\s'\"]*/pytest-of-[^/]+/pytest-\d+(?:/popen-gw\d+)?")
_NUMBERED_FOLDER = re.compile(r"(TMP/[^/\s'\"]*?)\d+(?=[/\s'\":,;)]|$)")


def check_file(path: Path, text: str) -> None:
    """Assert that a text is that of a golden file."""
    if REWRITES:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path} differs: make golden renews it"


def check_wording(text: str) -> None:
    """Assert that the n-th text which the running test checks is that of the wording file.

    Only what people read belongs here; what a program acts on is asserted as code, field or value. Nothing is compared
    where another than a unit test runs: `make golden` takes a minute.
    """
    if not _held["is_unit"]:
        return
    file, _, test = os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0].partition("::")
    # A parameter may hold slashes.
    key = f"{Path(file).name}::{test}"
    place = _places[key] = _places.get(key, -1) + 1
    plain = plain_paths(text)
    if REWRITES:
        with _locked_wording() as file:
            texts = json.load(file)
            # A test that ran before has left its texts: the first one starts its list again.
            texts[key] = [*(texts.get(key, [])[:place]), plain]
            file.seek(0)
            file.truncate()
            json.dump(dict(sorted(texts.items())), file, indent=1, ensure_ascii=False)
            file.write("\n")
        return
    texts = json.loads(WORDING.read_text(encoding="utf-8"))
    expected = texts.get(key, [])
    assert place < len(expected), f"{key} has no wording in {WORDING}: make golden adds it"
    assert plain == expected[place]


def plain_paths(text: str) -> str:
    """Return the text with the folders of this test session under one name, `TMP`."""
    return _NUMBERED_FOLDER.sub(r"\1", _SESSION_FOLDER.sub("TMP", text))


def hold_wording(*, is_unit: bool) -> None:
    """Say whether the test that begins is a unit test."""
    _held["is_unit"] = is_unit


_held = {"is_unit": False}
# How many texts each test has checked so far.
_places: dict[str, int] = {}


@contextmanager
def _locked_wording() -> Iterator[IO[str]]:
    # Several processes run the tests.
    if not WORDING.exists():
        WORDING.write_text("{}\n", encoding="utf-8")
    with WORDING.open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
