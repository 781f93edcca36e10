"""The explorer as somebody with a browser sees it, on both engines; needs Chromium but not the stack."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from laid_fortnight import CURRENT, lay_built_tables, lay_fortnight
from playwright.sync_api import Page, expect, sync_playwright
from pydantic import SecretStr
from warehouse_homes import variables_of

from warehouse.adapters.protocol import Warehouse
from warehouse.settings import Settings

pytestmark = pytest.mark.stack

NIGHTJAR = Path(sys.executable).parent / "nightjar"
STARTS_WITHIN_SECONDS = 90
PAGE_SECONDS = 60
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: make test-stack installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 830})
        page.set_default_timeout(PAGE_SECONDS * 1000)
        expect.set_options(timeout=PAGE_SECONDS * 1000)
        yield page
        browser.close()


@pytest.fixture
def asked(browser_page: Page) -> Iterator[set[str]]:
    """Every host that the page asks for anything."""
    hosts: set[str] = set()

    def keep(request: object) -> None:
        hosts.update(re.findall(r"^\w+://([^/:]+)", request.url))  # type: ignore[attr-defined]

    browser_page.on("request", keep)
    yield hosts
    browser_page.remove_listener("request", keep)


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they are kept: NIGHTJAR_SCREENSHOTS=docs/images renews the ones of the documentation."""
    folder = os.environ.get("NIGHTJAR_SCREENSHOTS")
    return Path(folder) if folder else tmp_path_factory.mktemp("screenshots")


@contextmanager
def explorer(settings: Settings) -> Iterator[str]:
    """The address of a running `nightjar explore`, which knows the analysts' password and no other."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    given = {**variables_of(settings), "NIGHTJAR_EXPLORER_PORT": str(port)}
    given |= {"NIGHTJAR_POSTGRES_PASSWORD": "", "NIGHTJAR_POSTGRES_ANALYST_PASSWORD": _revealed(settings)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    process = subprocess.Popen(
        [str(NIGHTJAR), "explore"],
        env=inherited | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/_stcore/health", process)
        assert _revealed(settings) not in Path(f"/proc/{process.pid}/cmdline").read_text() or not _revealed(settings)
        yield address
    finally:
        # As Ctrl-C does.
        os.killpg(process.pid, signal.SIGINT)
        told, _ = process.communicate(timeout=30)
    assert "Traceback" not in told
    assert "NIGHTJAR_POSTGRES" not in told


def _revealed(settings: Settings) -> str:
    password: SecretStr = settings.postgres_analyst_password
    return password.get_secret_value()


def _wait(address: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the explorer did not start: {process.poll()}")


def settled(page: Page) -> None:
    """Wait until Streamlit has drawn all of a page."""
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(700)


def test_every_page_shows_what_was_published(
    warehouse: Warehouse, settings: Settings, browser_page: Page, asked: set[str], screenshots: Path, engine: str
) -> None:
    with warehouse.transaction() as connection:
        lay_fortnight(connection)
    page = browser_page
    with explorer(settings) as address:
        page.goto(address)
        expect(page.get_by_text(f"{CURRENT} (current)")).to_be_visible()
        page.get_by_label("User id, or how it begins").fill("user-02")
        page.get_by_label("User id, or how it begins").press("Enter")
        expect(page.get_by_text("User (1 found)")).to_be_visible()
        for domain in ("books", "films", "games"):
            expect(page.get_by_role("tab", name=domain)).to_be_visible()
        page.get_by_role("tab", name="films").click()
        # A table is painted; its cells are said to screen readers.
        expect(page.get_by_role("gridcell", name="The Bright Verdict").first).to_be_attached()
        expect(page.get_by_role("gridcell", name="The Bright Harbour").first).to_be_attached()
        settled(page)
        if engine == "duckdb":
            page.screenshot(path=screenshots / "explorer-user.png")
        page.get_by_label("User id, or how it begins").fill("nobody")
        page.get_by_label("User id, or how it begins").press("Enter")
        expect(page.get_by_text("They get the popular items.")).to_be_visible()
        expect(page.get_by_text("The warehouse knows no event of this user.")).to_be_visible()

        page.get_by_role("link", name="An item").click()
        page.get_by_label("Part of its title, or its id").fill("quiet cipher")
        page.get_by_label("Part of its title, or its id").press("Enter")
        expect(page.get_by_text("Its id is film-01.")).to_be_visible()
        expect(page.get_by_role("heading", name="games")).to_be_visible()
        expect(page.get_by_role("gridcell", name="The Hollow Dynasty").first).to_be_attached()
        settled(page)
        page.screenshot(path=screenshots / f"item-{engine}.png")

        page.get_by_role("link", name="Quality over time").click()
        expect(page.get_by_text("All models of a date are judged on the same holdout.")).to_be_visible()
        expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
        settled(page)
        if engine == "duckdb":
            page.screenshot(path=screenshots / "explorer-quality.png")

        page.get_by_role("link", name="Clicks by variant").click()
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
        expect(page.get_by_role("gridcell", name="35,000").first).to_be_attached()
        settled(page)
        if engine == "duckdb":
            page.screenshot(path=screenshots / "explorer-clicks.png")

        page.get_by_role("link", name="Indices").click()
        expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
        settled(page)
        page.screenshot(path=screenshots / f"indices-{engine}.png")

        page.get_by_role("link", name="Publications and gates").click()
        expect(page.get_by_text("recall@10 0.2000 against 1 x popularity's 0.1300")).to_be_visible()
        settled(page)
        page.screenshot(path=screenshots / f"nights-{engine}.png")
    assert asked == {"127.0.0.1"}


def test_an_empty_warehouse_says_in_words_what_is_missing(
    settings: Settings, warehouse: Warehouse, browser_page: Page, engine: str
) -> None:
    if engine == "postgres":
        pytest.skip("the words are the same")
    with warehouse.transaction() as connection:
        lay_built_tables(connection)
    page = browser_page
    with explorer(settings) as address:
        for path, words in (
            ("", "Nothing is published yet."),
            ("item", "Nothing is published yet."),
            ("quality", "No night has been evaluated yet"),
            ("clicks", "Nothing is known to have been shown to anybody"),
            ("indices", "No index has been published yet."),
            ("nights", "No night has begun yet"),
        ):
            page.goto(f"{address}/{path}")
            expect(page.get_by_text(words)).to_be_visible()


def test_a_night_that_writes_is_waited_for_and_never_waits(
    tmp_path: Path, browser_page: Page, writer: Callable[[Path], AbstractContextManager[None]], settings: Settings
) -> None:
    from warehouse.adapters.duckdb import DuckDBWarehouse

    busy = Settings(home=tmp_path / "shop", explorer_busy_seconds=1)
    file = DuckDBWarehouse(busy.warehouse_path, busy_deadline_seconds=10)
    file.create_tables()
    with file.transaction() as connection:
        lay_fortnight(connection)
    page = browser_page
    with explorer(busy) as address:
        page.goto(address)
        expect(page.get_by_text("Last events")).to_be_visible()
        # The page is open, and the file free for whoever writes.
        with writer(busy.warehouse_path):
            page.get_by_label("User id, or how it begins").fill("user-03")
            page.get_by_label("User id, or how it begins").press("Enter")
            expect(page.get_by_text("The warehouse gives no answer now.")).to_be_visible()
            expect(page.get_by_text("was busy for 1 s")).to_be_visible()
        page.get_by_role("button", name="Try again").click()
        expect(page.get_by_text("User (1 found)")).to_be_visible()
