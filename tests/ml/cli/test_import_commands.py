from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml.cli.import_commands import app
from tests.support.warehouse_homes import variables_of
from warehouse.adapters.protocol import Warehouse
from warehouse.errors import BadInput
from warehouse.settings import Settings


@pytest.fixture
def runner(settings: Settings, warehouse: Warehouse) -> CliRunner:
    return CliRunner(env=variables_of(settings))


def test_files_prints_one_line_a_table(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,item,time\nu1,i1,1000000100\nu2,i2,soon\n")
    (tmp_path / "features.csv").write_text("item_id,feature\ni1,genre:Drama\n")
    arguments = ["files", "--interactions", f"{tmp_path}/events.csv", "--item-features", f"{tmp_path}/features.csv"]
    first = runner.invoke(app, arguments, catch_exceptions=False).output.splitlines()
    assert first[:2] == [
        "raw.interactions: 1 added, 0 already there, 1 rejected (see raw.rejected_rows)",
        "raw.item_features: 1 added, 0 already there, 0 rejected",
    ]
    second = runner.invoke(app, arguments, catch_exceptions=False).output.splitlines()
    assert second[1] == "raw.item_features: 0 added, 1 already there, 0 rejected"


def test_event_types_without_a_weight_are_named_with_their_events(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(
        "user,item,event,time\nu1,i1,poke,1000000100\nu1,i2,Poke,1000000101\nu1,i1,view,1000000102\n"
    )
    arguments = ["files", "--interactions", f"{tmp_path}/events.csv"]
    output = runner.invoke(app, arguments, catch_exceptions=False).output
    assert "'poke' (2)" in output
    assert "nightjar events set poke --weight W" in output
    assert "view" not in output


def test_bad_input_is_left_to_the_main_command(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["movielens", str(tmp_path / "missing")])
    assert isinstance(result.exception, BadInput)
    assert str(result.exception) == f"{tmp_path / 'missing'} is no folder"


def test_the_shop_takes_its_size_from_the_options(runner: CliRunner) -> None:
    options = ["--seed", "1", "--users", "20", "--items", "40", "--days", "10", "--last-date", "2026-02-28"]
    output = runner.invoke(app, ["demo-shop", *options], catch_exceptions=False).output
    assert "raw.users: 20 added, 0 already there, 0 rejected" in output


def test_a_last_date_that_is_none_is_refused(runner: CliRunner) -> None:
    result = runner.invoke(app, ["demo-shop", "--last-date", "yesterday"])
    assert str(result.exception) == "--last-date 'yesterday' is no date: expected YYYY-MM-DD, for example 2026-03-31"
