"""The pages that a newcomer reads first: short, their links lead somewhere, their words are those of the glossary."""

import re
import tomllib
from pathlib import Path

import pytest

from nightjar.cli.settings_command import settings_table
from nightjar.contract.places import REPOSITORY

README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
READ_FIRST = [README, REPOSITORY / "CONTRIBUTING.md", DOCS / "architecture.md", *sorted((DOCS / "how-to").glob("*.md"))]
PAGES = [*READ_FIRST, *sorted(page for page in DOCS.rglob("*.md") if page not in READ_FIRST)]
# Old words that have another meaning too, in which they may stand.
_OTHER_MEANING = {"start"}
_PATH = re.compile(r"`((?:nightjar|ml|spark_jobs|dags|dbt_project|tests|docs|benchmarks)/[\w./-]*)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def relative(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def old_words() -> list[str]:
    """Return the words that the glossary's second table replaces."""
    table = (DOCS / "glossary.md").read_text(encoding="utf-8").split("| do not write | write |\n|---|---|\n")[1]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")]
    words = [word.strip() for cell in cells for word in re.sub(r"\([^)]*\)", "", cell).split(",")]
    return [re.sub(r"^(the|a) ", "", word) for word in words if word not in _OTHER_MEANING]


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_a_path_that_a_page_names_exists(page: Path) -> None:
    missing = [path for path in _PATH.findall(page.read_text(encoding="utf-8")) if not (REPOSITORY / path).exists()]
    assert not missing


def test_the_architecture_has_the_directions_that_import_linter_holds() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(each["layers"] for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    assert "```\n" + "\n".join(layers) + "\n```" in (DOCS / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", READ_FIRST, ids=relative)
def test_a_page_uses_the_words_of_the_glossary(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    text = re.sub(r"\]\([^)]*\)|top-K lists", "", text)
    found = {word for word in old_words() if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)}
    assert not found


def test_the_table_of_basic_settings_is_the_generated_one() -> None:
    shown = README.read_text(encoding="utf-8").split("<!-- settings -->\n")[1].split("\n<!-- /settings -->")[0]
    assert shown == settings_table(basic=True)
