"""What people see of a published run: the commands that read, and the queries of docs/reference/tables.md."""

import re
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from nightjar.contract.places import REPOSITORY
from nightjar.contract.run_folder import RunFolder
from tests.support.explorer_queries import check_every_query_has_rows
from tests.support.refusals import refused_command


def queries_of_the_tables() -> list[str]:
    text = (REPOSITORY / "docs" / "reference" / "tables.md").read_text(encoding="utf-8")
    return re.findall(r"```sql\n(.*?)```", text, re.DOTALL)


def test_status_shows_the_pointer_and_the_ledger(shop: Any) -> None:
    shown = shop.home.nightjar("status")
    assert shown.returncode == 0
    # Of the tables, that of the current publication comes first.
    assert re.search(r"^│ 2026-03-31\.2 .* 18000 .* models:/nightjar/2 ", shown.stdout, re.MULTILINE)
    assert re.findall(r"│ (\d) +│ (\S+) +│ published +│", shown.stdout) == [
        ("2", "2026-03-31.2"),
        ("1", "2026-03-31.1"),
    ]


def test_recommend_shows_a_users_published_recommendations_with_titles(shop: Any) -> None:
    user = shop.home.value("select min(user_id) from recs.recommendations_current where source = 'personal'")
    shown = shop.home.nightjar("recommend", user)
    assert shown.returncode == 0
    rows = re.findall(r"│ (books|films|games) +│ (\d+) +│ (\S+) +│ (.+?) +│ +(\S+) +│ (\w+) +│", shown.stdout)
    assert [(domain, int(rank), item, title) for domain, rank, item, title, _, _ in rows] == shop.home.rows(
        "select r.domain, rank, item_id, i.title from recs.recommendations_current r"
        " join core.dim_items i using (item_id) where user_id = ? and valid_to is null order by 1, 2",
        [user],
    )


def test_recommend_shows_the_popular_items_to_an_unknown_user(shop: Any) -> None:
    shown = shop.home.nightjar("recommend", "nobody")
    assert shown.returncode == 0
    assert re.search(r"^.*\bnobody\b.*\bpopular\b.*\b2026-03-31\.2$", shown.stdout.splitlines()[0])
    rows = re.findall(r"│ (books|films|games) +│ (\d+) +│ (\S+) ", shown.stdout)
    assert [(domain, int(rank), item) for domain, rank, item in rows] == shop.home.rows(
        "select domain, rank, item_id from recs.popular_items_current"
        " where segment = 'all' and rank <= 10 order by 1, 2"
    )


def test_similar_shows_the_similar_items_in_every_domain(shop: Any) -> None:
    item = shop.home.value("select min(item_id) from recs.similar_items_current")
    shown = shop.home.nightjar("similar", item)
    assert shown.returncode == 0
    rows = re.findall(r"│ (books|films|games) +│ (\d+) +│ (\S+) ", shown.stdout)
    assert [(domain, int(rank), similar) for domain, rank, similar in rows] == shop.home.rows(
        "select target_domain, rank, similar_item_id from recs.similar_items_current where item_id = ? order by 1, 2",
        [item],
    )


def test_an_unknown_item_is_one_line(shop: Any) -> None:
    shown = shop.home.nightjar("similar", "nothing")
    assert shown.stdout.count("\n") == 1
    refused_command(shown, 2, "unknown_item", "nothing", "recs.similar_items_current")


def test_the_explorer_finds_rows_of_every_kind(shop: Any) -> None:
    check_every_query_has_rows(shop.home.settings)


def test_the_page_of_tables_has_three_queries() -> None:
    assert len(queries_of_the_tables()) == 3


@pytest.mark.parametrize("query", queries_of_the_tables(), ids=["first items", "recall by run", "attempts"])
def test_the_queries_of_the_page_return_rows(shop: Any, query: str) -> None:
    assert shop.home.rows(query)


def test_the_run_report_is_one_page_in_the_run_folder_and_in_mlflow(shop: Any) -> None:
    output = shop.home.nightjar("report")
    assert output.returncode == 0
    page = Path(output.stdout.strip())
    assert page == RunFolder.of(shop.home.settings.lake, "2026-03-31.2").report
    html = page.read_text()
    assert "<h1>2026-03-31.2</h1>" in html
    assert html.count("data:image/png;base64,") == 11
    # All sections but three have a table, and ten users have recommendations: no user is excluded, no item has vectors
    # besides its embedding, and both runs are of the first date.
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', html, re.DOTALL))
    users = sections.pop("users")
    without_rows = {name for name, text in sections.items() if '<p class="empty">' in text}
    assert without_rows == {"changes", "excluded_users", "item_vectors"}
    # Events, of all but cold users, and recommendations of ten users.
    assert users.count("<h3>") == 10
    assert users.count("<table>") + users.count('<p class="empty">') == 20
    [run_id] = shop.home.rows("select mlflow_run_id from recs.publications where publication_id = '2026-03-31.2'")[0]
    client = MlflowClient(shop.home.settings.mlflow_uri)
    assert [file.path for file in client.list_artifacts(run_id, "report")] == ["report/2026-03-31.2.html"]
