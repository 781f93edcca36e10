"""A backfill by a person with a browser: log in, open the DAG, fill the dialog, wait for green, follow the link."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from browser import empty_page, screenshot_folder
from playwright.sync_api import Locator, Page, expect
from stack_client import NIGHT_SECONDS, Nights

pytestmark = pytest.mark.stack

DAY = date(2026, 3, 22)
# MLflow takes half a minute to draw its first page on a busy machine.
PAGE_SECONDS = 180


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they are kept: NIGHTJAR_SCREENSHOTS=docs/images renews the ones of the documentation."""
    return screenshot_folder(tmp_path_factory)


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with empty_page(1250, PAGE_SECONDS) as page:
        yield page


def test_a_person_backfills_a_date_and_sees_what_became_of_it(nights: Nights, page: Page, screenshots: Path) -> None:
    stack = nights.stack
    log_in(page, f"http://127.0.0.1:{stack.settings.airflow_port}", stack.password)
    page.get_by_role("link", name="Dags", exact=True).first.click()
    page.get_by_role("link", name="nightly_recommendations").first.click()

    dialog = backfill_dialog(page)
    for field in (0, 1):
        choose(page, dialog.get_by_test_id("datetime-input").nth(field), DAY)
    dialog.get_by_text("All Runs", exact=True).click()
    dialog.locator("input[name=max_active_runs]").fill("2")
    expect(dialog.get_by_text("1 run will be triggered")).to_be_visible()
    page.screenshot(path=screenshots / "backfill-dialog.png")
    dialog.get_by_role("button", name="Run Backfill").click()
    expect(dialog).to_be_hidden()

    run_id = nights.wait_for_run(DAY)["dag_run_id"]
    page.goto(f"http://127.0.0.1:{stack.settings.airflow_port}/dags/nightly_recommendations/runs/{run_id}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=NIGHT_SECONDS * 1000)
    expect(page.get_by_text(re.compile(rf"^{DAY}\.1 is ")).first).to_be_visible()
    page.screenshot(path=screenshots / "night.png")

    # The grid beside the table has a link of that name, too: to the task of every night.
    page.get_by_role("table").get_by_role("link", name="report", exact=True).click()
    page.get_by_role("link", name="Details").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="MLflow run").click()
    tracked = opened.value
    expect(tracked.get_by_role("heading", name=f"{DAY}.1")).to_be_visible()
    expect(tracked.get_by_text("nightjar.all.recall_at_10").first).to_be_visible()
    tracked.screenshot(path=screenshots / "mlflow-run.png")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Night's report").click()
    report = opened.value
    inside = report.frame_locator("iframe")
    expect(inside.get_by_role("heading", name="Gates")).to_be_visible()
    # The frame is painted a moment after it has its content.
    inside.get_by_role("img").first.scroll_into_view_if_needed()
    report.screenshot(path=screenshots / "report.png")


def log_in(page: Page, address: str, password: str) -> None:
    page.goto(address)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def backfill_dialog(page: Page) -> Locator:
    """The dialog, opened; the page draws its button anew while it loads, so a click may be lost."""
    page.get_by_text("Latest Dag Version").wait_for()
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog").first
    dialog.get_by_text("Run this Dag for a range of dates").click()
    expect(dialog.get_by_text("Date Range")).to_be_visible()
    return dialog


def choose(page: Page, field: Locator, day: date) -> None:
    """Type a day's midnight into one of the fields that open a calendar."""
    field.click()
    page.get_by_placeholder("YYYY/MM/DD").fill(day.strftime("%Y/%m/%d"))
    page.get_by_placeholder("HH:mm").fill("00:00")
    page.keyboard.press("Escape")
    # A calendar fades out: the one of the next field would be there beside it.
    expect(page.get_by_placeholder("YYYY/MM/DD")).to_have_count(0)
    expect(field).to_contain_text(day.strftime("%Y"))
