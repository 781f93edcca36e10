from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from nightjar.cli.import_commands import app
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.warehouse.protocol import Warehouse
from tests.support.import_counts import counts_of
from tests.support.refusals import refused
from tests.support.warehouse_homes import variables_of


@pytest.fixture
def runner(settings: Settings, warehouse: Warehouse) -> CliRunner:
    return CliRunner(env=variables_of(settings))


def test_files_prints_one_line_a_table(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,item,time\nu1,i1,1000000100\nu2,i2,soon\n")
    (tmp_path / "features.csv").write_text("item_id,feature\ni1,genre:Drama\n")
    arguments = ["files", "--interactions", f"{tmp_path}/events.csv", "--item-features", f"{tmp_path}/features.csv"]
    first = runner.invoke(app, arguments, catch_exceptions=False).output
    assert counts_of(first) == {"raw.interactions": (1, 0, 1), "raw.item_features": (1, 0, 0)}
    assert "raw.rejected_rows" in first.splitlines()[0]
    second = runner.invoke(app, arguments, catch_exceptions=False).output
    assert counts_of(second) == {"raw.interactions": (0, 1, 1), "raw.item_features": (0, 1, 0)}


def test_vectors_prints_the_line_of_its_table(runner: CliRunner, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", ids=np.array(["i1", "i2", "i3"]), vectors=np.array([[1, 2], [3, 4], [0, 0]]))
    arguments = ["vectors", "--kind", "clip", f"{tmp_path}/v.npz"]
    for counted in ((2, 0, 1), (0, 2, 1)):
        output = runner.invoke(app, arguments, catch_exceptions=False).output
        assert counts_of(output) == {"raw.item_vectors": counted}
        assert "raw.rejected_rows" in output.splitlines()[0]


def test_vectors_of_users_go_to_their_table(runner: CliRunner, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", ids=np.array(["u1"]), vectors=np.array([[1, 2]]))
    arguments = ["vectors", "--kind", "profile", f"{tmp_path}/v.npz", "--of"]
    output = runner.invoke(app, [*arguments, "users"], catch_exceptions=False).output
    assert counts_of(output) == {"raw.user_vectors": (1, 0, 0)}
    with refused(BadInput, "unknown_option_value", option="--of", value="shops"):
        runner.invoke(app, [*arguments, "shops"], catch_exceptions=False)


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
    with refused(BadInput, "no_such_folder", wording=False, path=tmp_path / "missing"):
        runner.invoke(app, ["movielens", str(tmp_path / "missing")], catch_exceptions=False)


def test_the_shop_takes_its_size_from_the_options(runner: CliRunner) -> None:
    options = ["--seed", "1", "--users", "20", "--items", "40", "--days", "10", "--last-date", "2026-02-28"]
    output = runner.invoke(app, ["demo-shop", *options], catch_exceptions=False).output
    assert counts_of(output)["raw.users"] == (20, 0, 0)


def test_a_last_date_that_is_none_is_refused(runner: CliRunner) -> None:
    with refused(BadInput, "not_a_date", wording=False, option="--last-date", value="yesterday"):
        runner.invoke(app, ["demo-shop", "--last-date", "yesterday"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "code", "fields"),
    [
        (["files"], "missing_option", {}),
        (["check", "events.csv", "--table", "colours"], "unknown_table", {"value": "colours"}),
    ],
)
def test_a_command_without_a_table_that_there_is_is_refused(
    arguments: list[str], code: str, fields: dict[str, Any]
) -> None:
    with refused(BadInput, code, **fields):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
