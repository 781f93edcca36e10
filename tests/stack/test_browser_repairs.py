"""Repairs in the browser: read why runs failed, mend the cause, clear one run and backfill the other."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from dags.support.links import MLflowRunLink, RunReportLink
from tests.support.browser import empty_page, screenshot_folder
from tests.support.stack_client import RUN_SECONDS, NightlyDag, wait_for

pytestmark = pytest.mark.stack

# Later than the shop's last event: their runs fail until events of them are imported.
CLEARED, BACKFILLED = date(2026, 4, 10), date(2026, 4, 11)
# MLflow takes half a minute to draw its first page on a busy machine.
PAGE_SECONDS = 180


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the screenshots: NIGHTJAR_SCREENSHOTS=docs/images renews the ones of the documentation."""
    return screenshot_folder(tmp_path_factory)


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page of a browser of its own."""
    with empty_page(1250, PAGE_SECONDS) as page:
        yield page


@pytest.fixture(scope="module")
def failed_runs(dag: NightlyDag) -> dict[date, str]:
    """A run of each of the two dates, failed for want of events; which of them is called what."""
    for day in (CLEARED, BACKFILLED):
        dag.start(day, f"of_{day}")
    runs = {day: dag.wait_for_run(day) for day in (CLEARED, BACKFILLED)}
    assert {run["state"] for run in runs.values()} == {"failed"}
    return {day: run["dag_run_id"] for day, run in runs.items()}


@pytest.fixture(scope="module")
def missing_events_imported(
    dag: NightlyDag, failed_runs: dict[date, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Imports the missing events."""
    users = dag.stack.rows("select distinct user_id from raw.interactions order by user_id limit 30")
    items = dag.stack.rows("select distinct item_id from raw.interactions order by item_id limit 3")
    lines = [
        f"{user},{item},{day}T12:00:00Z,purchase"
        for day in (CLEARED, BACKFILLED)
        for (user,) in users
        for (item,) in items
    ]
    events = tmp_path_factory.mktemp("events") / "events.csv"
    events.write_text("\n".join(["user_id,item_id,occurred_at,event_type", *lines]) + "\n")
    imported = dag.stack.nightjar("import", "files", "--interactions", str(events))
    assert imported.returncode == 0, imported.stdout


def test_a_failed_run_shows_its_reason_and_succeeds_after_clearing(
    dag: NightlyDag, failed_runs: dict[date, str], page: Page, screenshots: Path, request: pytest.FixtureRequest
) -> None:
    open_run(page, dag, failed_runs[CLEARED])
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile(rf"^begin: .*error \(2, too_few_events\).* {CLEARED}")).first).to_be_visible()
    page.screenshot(path=screenshots / "failed-run.png")

    request.getfixturevalue("missing_events_imported")
    page.get_by_role("button", name="Press shift+c to clear").click()
    dialog = page.get_by_role("dialog").first
    expect(dialog.get_by_text("begin", exact=True).first).to_be_visible()
    page.screenshot(path=screenshots / "clear-run.png")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).to_be_hidden()

    wait_until_green(page, dag, CLEARED)
    page.screenshot(path=screenshots / "cleared-run.png")
    assert dag.runs()[CLEARED]["state"] == "success"
    assert {task["state"] for task in dag.tasks(CLEARED).values()} == {"success"}


@pytest.mark.usefixtures("missing_events_imported")
def test_errored_runs_are_backfilled_from_the_dialog_and_show_their_outcome(
    dag: NightlyDag, failed_runs: dict[date, str], page: Page, screenshots: Path
) -> None:
    stack = dag.stack
    address = f"http://127.0.0.1:{stack.settings.airflow_port}"
    log_in(page, address, stack.password)
    # A click on a link of a list that is still being drawn may be lost.
    page.get_by_role("link", name="Dags", exact=True).first.wait_for()
    page.goto(f"{address}/dags/nightly_recommendations")

    before = stack.rows("select count(*) from recs.publication_attempts")[0][0]
    dialog = backfill_dialog(page)
    for field, day in enumerate((CLEARED, BACKFILLED)):
        choose(page, dialog.get_by_test_id("datetime-input").nth(field), day)
    dialog.get_by_text("Missing and Errored Runs", exact=True).click()
    dialog.locator("input[name=max_active_runs]").fill("2")
    # The other one is green.
    expect(dialog.get_by_text("1 run will be triggered")).to_be_visible()
    page.screenshot(path=screenshots / "backfill-dialog.png")
    dialog.get_by_role("button", name="Run Backfill").click()
    expect(dialog).to_be_hidden()

    open_run(page, dag, failed_runs[BACKFILLED], logged_in=True)
    wait_until_green(page, dag, BACKFILLED)
    page.screenshot(path=screenshots / "run.png")
    assert dag.runs()[BACKFILLED]["run_type"] == "backfill"
    assert stack.rows("select count(*) from recs.publication_attempts")[0][0] == before + 1

    # The grid beside the table has a link of that name, too: to the task of every run.
    page.get_by_role("table").get_by_role("link", name="report", exact=True).click()
    page.get_by_role("link", name="Details").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name=MLflowRunLink.name).click()
    tracked = opened.value
    expect(tracked.get_by_role("heading", name=f"{BACKFILLED}.1")).to_be_visible()
    expect(tracked.get_by_text("nightjar.all.recall_at_10").first).to_be_visible()
    tracked.screenshot(path=screenshots / "mlflow-run.png")
    with page.expect_popup() as opened:
        page.get_by_role("link", name=RunReportLink.name).click()
    report = opened.value
    inside = report.frame_locator("iframe")
    expect(inside.locator("#gates")).to_be_visible()
    # The frame is painted a moment after it has its content.
    inside.get_by_role("img").first.scroll_into_view_if_needed()
    report.screenshot(path=screenshots / "report.png")


def wait_until_green(page: Page, dag: NightlyDag, day: date) -> None:
    """Wait until the run of a date has succeeded, and check its page: success and publication."""
    wait_for(lambda: dag.runs()[day]["state"] == "success" or None, f"the run of {day}", RUN_SECONDS)
    # Airflow's page refreshes only while it shows the run as running.
    page.reload()
    expect(page.get_by_text(re.compile(rf"^{day}\.1 is ")).first).to_be_visible()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()


def log_in(page: Page, address: str, password: str) -> None:
    page.goto(address)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def open_run(page: Page, dag: NightlyDag, run_id: str, *, logged_in: bool = False) -> None:
    """The page of one run."""
    address = f"http://127.0.0.1:{dag.stack.settings.airflow_port}"
    if not logged_in:
        log_in(page, address, dag.stack.password)
        # The next page would be the one before the login otherwise.
        page.get_by_role("link", name="Dags", exact=True).first.wait_for()
    page.goto(f"{address}/dags/nightly_recommendations/runs/{run_id}")


def backfill_dialog(page: Page) -> Locator:
    """The dialog, opened; the page redraws its button while it loads, so a click may be lost."""
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
