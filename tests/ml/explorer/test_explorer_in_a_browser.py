"""The explorer as somebody with a browser sees it, on both engines; needs Chromium but not the stack."""

import os
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
from playwright.sync_api import Locator, Page, expect
from pydantic import SecretStr

from tests.support.browser import empty_page, screenshot_folder
from tests.support.two_weeks import CURRENT, lay_built_tables, lay_fortnight
from tests.support.warehouse_homes import variables_of
from warehouse.adapters.protocol import Warehouse
from warehouse.settings import Settings

pytestmark = pytest.mark.stack

NIGHTJAR = Path(sys.executable).parent / "nightjar"
STARTS_WITHIN_SECONDS = 90
PAGE_SECONDS = 60
USER = "User id, or how it begins"


@pytest.fixture
def browser_page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with empty_page(830, PAGE_SECONDS) as page:
        yield page


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they are kept: NIGHTJAR_SCREENSHOTS=docs/images renews the ones of the documentation."""
    return screenshot_folder(tmp_path_factory)


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
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    # A run of the page's script begins a moment after what asked for it.
    page.wait_for_timeout(700)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def cells(page: Page, text: str) -> Locator:
    """The first cell with a text: a table is painted, and its cells are there for screen readers only."""
    return page.locator("[role=gridcell]", has_text=text).first


def look_for(page: Page, label: str, text: str) -> None:
    """Type into one of the fields that find users and items."""
    settled(page)
    page.get_by_label(label).fill(text)
    page.get_by_label(label).press("Enter")


def test_a_person_sees_what_was_published_and_why_something_is_missing(
    warehouse: Warehouse,
    settings: Settings,
    engine: str,
    browser_page: Page,
    screenshots: Path,
    writer: Callable[[Path], AbstractContextManager[None]],
) -> None:
    with warehouse.transaction() as connection:
        lay_built_tables(connection)
    page = browser_page
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url.split("/")[2]) if "://" in request.url else None)
    with explorer(settings.model_copy(update={"explorer_busy_seconds": 1})) as address:
        each_page_says_what_is_missing(page, address)
        # Pages are open, and the warehouse is free for whoever writes.
        with warehouse.transaction() as connection:
            lay_fortnight(connection)
        page.goto(address)
        lists_and_history_are_by_title(page, screenshots / "explorer-user.png")
        neighbours_are_by_title(page)
        figures_are_drawn(page, screenshots)
        if engine == "duckdb":
            a_file_that_is_written_is_said_to_be_busy(page, writer(settings.warehouse_path))
    assert asked == {address.removeprefix("http://")}


def each_page_says_what_is_missing(page: Page, address: str) -> None:
    for path, words in (
        ("", "Nothing is published yet."),
        ("item", "Nothing is published yet."),
        ("quality", "No night has been evaluated yet"),
        ("clicks", "Nothing is known to have been shown to anybody"),
        ("indices", "No index has been published yet."),
        ("nights", "No run has begun yet"),
    ):
        page.goto(f"{address}/{path}")
        expect(page.get_by_text(words)).to_be_visible()


def lists_and_history_are_by_title(page: Page, screenshot: Path) -> None:
    expect(page.get_by_label("Publication")).to_have_value(f"{CURRENT} (current)")
    look_for(page, USER, "nobody")
    expect(page.get_by_text("They get the popular items.")).to_be_visible()
    expect(page.get_by_text("The warehouse knows no event of this user.")).to_be_visible()
    look_for(page, USER, "user-02")
    expect(page.get_by_label("User (1 found)")).to_have_value("user-02")
    # What the page showed before is taken away last.
    settled(page)
    expect(page.get_by_role("tab", name="films")).to_have_count(1)
    page.get_by_role("tab", name="films").click()
    expect(page.get_by_role("tab", name="films")).to_have_attribute("aria-selected", "true")
    page.mouse.move(0, 0)
    expect(cells(page, "The Bright Verdict")).to_be_attached()
    expect(cells(page, "The Bright Harbour")).to_be_attached()
    settled(page)
    page.screenshot(path=screenshot)


def neighbours_are_by_title(page: Page) -> None:
    page.get_by_role("link", name="An item").click()
    look_for(page, "Part of its title, or its id", "quiet cipher")
    expect(page.get_by_text("Its id is film-01.")).to_be_visible()
    expect(page.get_by_role("heading", name="games")).to_be_visible()
    expect(cells(page, "The Hollow Dynasty")).to_be_attached()


def figures_are_drawn(page: Page, screenshots: Path) -> None:
    page.get_by_role("link", name="Quality over time").click()
    expect(page.get_by_text("All models of a date are judged on the same holdout.")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    settled(page)
    page.screenshot(path=screenshots / "explorer-quality.png")
    page.get_by_role("link", name="Clicks by variant").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    expect(cells(page, "nightjar")).to_be_attached()
    settled(page)
    page.screenshot(path=screenshots / "explorer-clicks.png")
    page.get_by_role("link", name="Indices").click()
    expect(page.get_by_role("heading", name="Latency, 95th percentile")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    page.get_by_role("link", name="Publications and gates").click()
    expect(page.get_by_text("recall@10 0.2000 against 1 x popularity's 0.1300")).to_be_visible()


def a_file_that_is_written_is_said_to_be_busy(page: Page, writing: AbstractContextManager[None]) -> None:
    page.get_by_role("link", name="A user").click()
    settled(page)
    with writing:
        look_for(page, USER, "user-03")
        expect(page.get_by_text("The warehouse gives no answer now.")).to_be_visible()
        expect(page.get_by_text("was busy for 1 s")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_label("User (1 found)")).to_have_value("user-03")
