"""The page about every table: reported while it is missing, served once it is written."""

from pathlib import Path

import pytest
from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse
from fastapi.testclient import TestClient

from dags.support.plugin import NightjarPlugin
from dags.support.tables_app import tables_app
from nightjar.contract.settings import Settings
from nightjar.warehouse.dbt_runner import tables_page


def test_the_page_is_shown_once_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_HOME", str(tmp_path))
    client = TestClient(tables_app)
    missing = client.get("/")
    assert missing.status_code == 404
    assert "nightjar docs" in missing.json()["detail"]

    page = tables_page(Settings(home=tmp_path))
    page.parent.mkdir(parents=True)
    page.write_text("<html>ctr_lift</html>", encoding="utf-8")
    found = client.get("/")
    assert found.text == "<html>ctr_lift</html>"
    assert found.headers["content-type"].startswith("text/html")


def test_airflow_shows_a_link_to_the_page_where_it_is_mounted() -> None:
    [app], [link] = NightjarPlugin.fastapi_apps, NightjarPlugin.external_views
    assert link["href"] == f"{app['url_prefix']}/"
    assert ExternalViewResponse(**link).destination == "nav"
