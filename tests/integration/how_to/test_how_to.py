"""Each page of docs/how-to, followed to the letter in a copy of the project: its blocks applied, its check run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nightjar.contract.places import REPOSITORY

PAGES = sorted((REPOSITORY / "docs" / "how-to").glob("add-*.md"))
_BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_COUNT = re.compile(r"^\| .* \| (\d+|its folder) \| \[[^\]]+\]\(how-to/([\w-]+\.md)\) \|$", re.MULTILINE)
BIN = Path(sys.executable).parent


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return the blocks of a page that have a title: language, title and text."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def files_allowed() -> dict[str, str]:
    """Return how many files a change touches, by the name of its page, from the table of docs/architecture.md."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {page: count for count, page in _COUNT.findall(text)}


def copy_project(folder: Path) -> Path:
    """Copy the files that git tracks, as they are in the working tree."""
    names = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z"], capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in names:
        source = REPOSITORY / name
        if name and source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


def apply(diff: str, path: Path) -> None:
    """Replace each hunk's context and removed lines by its context and added lines; each stands once in the file."""
    text = path.read_text(encoding="utf-8")
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = [line for line in hunk.splitlines(keepends=True) if line.strip()]
        if not lines:
            continue
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"{path.name} holds {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def run(command: list[str], project: Path) -> None:
    """Run a command in the copy, which is imported instead of the project itself."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTJAR_", "PYTEST_"))}
    done = subprocess.run(
        command,
        cwd=project,
        env=inherited | {"PYTHONPATH": str(project), "NIGHTJAR_HOME": str(project / "var")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def test_every_change_of_the_table_has_a_page() -> None:
    assert set(files_allowed()) == {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_followed_to_the_letter_passes_its_check(page: Path, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    touched, checks = [], []
    for language, title, text in blocks(page):
        if title == "check":
            checks += text.splitlines()
        elif language == "diff":
            apply(text, project / title)
            touched.append(title)
        else:
            assert not (project / title).exists(), f"{title} is there already"
            (project / title).parent.mkdir(parents=True, exist_ok=True)
            (project / title).write_text(text, encoding="utf-8")
            touched.append(title)

    product = {name for name in touched if not name.startswith("tests/")}
    allowed = files_allowed()[page.name]
    assert len(product) == int(allowed) if allowed.isdigit() else product

    if python := [name for name in touched if name.endswith(".py")]:
        run([str(BIN / "ruff"), "check", *python], project)
        run([str(BIN / "ruff"), "format", "--check", *python], project)
    assert checks
    for line in checks:
        run(line.replace(".venv/bin/", f"{BIN}/").split(), project)
