"""The explorer in a browser, on both engines; needs Chromium but not the stack."""

import os
import re
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

from nightjar.contract.settings import Settings
from nightjar.warehouse.protocol import Warehouse
from tests.support.browser import empty_page, screenshot_folder
from tests.support.two_weeks import CURRENT, lay_built_tables, lay_fortnight
from tests.support.warehouse_homes import variables_of

pytestmark = pytest.mark.stack

NIGHTJAR = Path(sys.executable).parent / "nightjar"
STARTS_WITHIN_SECONDS = 90
PAGE_SECONDS = 60
# Streamlit gives a widget with a key a class of that name.
USER, ITEM = ".st-key-user_text input", ".st-key-item_text input"
USER_ID = ".st-key-user_id input"


@pytest.fixture
def browser_page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with empty_page(830, PAGE_SECONDS) as page:
        yield page


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the screenshots: NIGHTJAR_SCREENSHOTS=docs/images renews the ones of the documentation."""
    return screenshot_folder(tmp_path_factory)


@contextmanager
def explorer(settings: Settings) -> Iterator[str]:
    """The address of a running `nightjar explore`, with the analysts' password and no other."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    variables = {**variables_of(settings), "NIGHTJAR_EXPLORER_PORT": str(port)}
    variables |= {"NIGHTJAR_POSTGRES_PASSWORD": "", "NIGHTJAR_POSTGRES_ANALYST_PASSWORD": _analyst_password(settings)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    process = subprocess.Popen(
        [str(NIGHTJAR), "explore"],
        env=inherited | variables,
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
        output, _ = process.communicate(timeout=30)
    assert "Traceback" not in output
    assert "NIGHTJAR_POSTGRES" not in output


def _analyst_password(settings: Settings) -> str:
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


def wait_until_drawn(page: Page) -> None:
    """Wait until Streamlit has drawn all of a page."""
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    # The page's script starts a moment after the event that triggers it.
    page.wait_for_timeout(700)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def cell(page: Page, text: str) -> Locator:
    """The first cell with a text: a table is painted, and its cells are there for screen readers only."""
    return page.locator("[role=gridcell]", has_text=text).first


def search(page: Page, field: str, text: str) -> None:
    """Type into one of the search fields for users and items."""
    wait_until_drawn(page)
    page.locator(field).fill(text)
    page.locator(field).press("Enter")


def open_page(page: Page, path: str) -> None:
    """Follow the link of the sidebar to one of the pages."""
    page.locator(f"[data-testid=stSidebarNav] a[href$='/{path}']").click()


def test_the_pages_show_what_is_published_and_why_data_is_missing(
    warehouse: Warehouse,
    settings: Settings,
    engine: str,
    browser_page: Page,
    screenshots: Path,
    hold_file: Callable[[Path], AbstractContextManager[None]],
) -> None:
    with warehouse.transaction() as connection:
        lay_built_tables(connection)
    page = browser_page
    requested_hosts: set[str] = set()
    page.on("request", lambda request: requested_hosts.add(request.url.split("/")[2]) if "://" in request.url else None)
    with explorer(settings.model_copy(update={"explorer_busy_seconds": 1})) as address:
        check_notes_of_empty_pages(page, address)
        # Pages are open, and the warehouse is free for writers.
        with warehouse.transaction() as connection:
            lay_fortnight(connection)
        page.goto(address)
        check_user_page(page, screenshots / "explorer-user.png")
        check_item_page(page)
        check_map_page(page, screenshots / "explorer-map.png")
        check_figures(page, screenshots)
        if engine == "duckdb":
            check_note_of_a_busy_file(page, hold_file(settings.warehouse_path))
    assert requested_hosts == {address.removeprefix("http://")}


def check_notes_of_empty_pages(page: Page, address: str) -> None:
    for path in ("", "item", "map", "quality", "clicks", "indices", "runs"):
        page.goto(f"{address}/{path}")
        expect(page.get_by_test_id("stAlert")).to_be_visible()


def check_user_page(page: Page, screenshot: Path) -> None:
    expect(page.get_by_label("Publication")).to_have_value(re.compile(rf"^{re.escape(CURRENT)}\b"))
    search(page, USER, "nobody")
    # Neither recommendations nor events: two messages, and the popular items of each domain.
    expect(page.get_by_test_id("stAlert")).to_have_count(2)
    expect(page.get_by_role("tab", name="films")).to_be_visible()
    search(page, USER, "user-02")
    expect(page.locator(USER_ID)).to_have_value("user-02")
    # Streamlit removes the previous content last.
    wait_until_drawn(page)
    expect(page.get_by_role("tab", name="films")).to_have_count(1)
    page.get_by_role("tab", name="films").click()
    expect(page.get_by_role("tab", name="films")).to_have_attribute("aria-selected", "true")
    page.mouse.move(0, 0)
    expect(cell(page, "The Bright Verdict")).to_be_attached()
    expect(cell(page, "The Bright Harbour")).to_be_attached()
    # What each source adds to the score of each item; Streamlit draws the charts of all tabs.
    expect(page.get_by_test_id("stVegaLiteChart").filter(visible=True)).to_have_count(1)
    wait_until_drawn(page)
    page.screenshot(path=screenshot)


def check_item_page(page: Page) -> None:
    open_page(page, "item")
    search(page, ITEM, "quiet cipher")
    expect(page.get_by_text("film-01")).to_be_visible()
    expect(page.get_by_role("heading", name="games")).to_be_visible()
    expect(cell(page, "The Hollow Dynasty")).to_be_attached()
    # Three domains by the embeddings, and the one kind of vector.
    expect(page.get_by_test_id("stDataFrame")).to_have_count(4)
    expect(page.get_by_role("heading", name="clip")).to_be_visible()


def check_map_page(page: Page, screenshot: Path) -> None:
    open_page(page, "map")
    wait_until_drawn(page)
    expect(page.locator(".st-key-map_space input")).to_have_value("published embeddings")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    page.locator(".st-key-map_colour input").click()
    page.get_by_role("option", name="genre", exact=True).click()
    wait_until_drawn(page)
    page.locator(".st-key-map_space input").click()
    page.get_by_role("option", name="clip", exact=True).click()
    wait_until_drawn(page)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.screenshot(path=screenshot)


def check_figures(page: Page, screenshots: Path) -> None:
    open_page(page, "quality")
    # The compared models, and the sources of the model alone.
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    expect(page.get_by_role("heading", level=3)).to_have_count(1)
    wait_until_drawn(page)
    page.screenshot(path=screenshots / "explorer-quality.png")
    open_page(page, "clicks")
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    expect(cell(page, "nightjar")).to_be_attached()
    wait_until_drawn(page)
    page.screenshot(path=screenshots / "explorer-clicks.png")
    open_page(page, "indices")
    expect(cell(page, "similarity")).to_be_attached()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    open_page(page, "runs")
    expect(page.get_by_test_id("stTable").get_by_text("0.1300", exact=True)).to_be_visible()


def check_note_of_a_busy_file(page: Page, held: AbstractContextManager[None]) -> None:
    # The first page has the address alone.
    open_page(page, "")
    wait_until_drawn(page)
    with held:
        search(page, USER, "user-03")
        expect(page.get_by_test_id("stAlert").filter(has_text="warehouse.duckdb")).to_be_visible()
    page.locator(".st-key-try_again button").click()
    expect(page.locator(USER_ID)).to_have_value("user-03")
