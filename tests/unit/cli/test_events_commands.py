from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nightjar.cli.events_commands import app
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.warehouse import event_weights
from nightjar.warehouse.event_weights import EventWeight
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused
from tests.support.warehouse_homes import variables_of


@pytest.fixture
def runner(settings: Settings, warehouse: Warehouse) -> CliRunner:
    return CliRunner(env=variables_of(settings))


@pytest.fixture
def read(warehouse: Warehouse) -> Callable[[str], list[EventWeight]]:
    def rows(event_type: str) -> list[EventWeight]:
        with warehouse.connect(read_only=True) as connection:
            return event_weights.by_type(event_weights.read(connection)).get(event_type, [])

    return rows


def test_every_type_is_listed_with_weight_and_events_and_unknown_ones_are_marked(
    runner: CliRunner, warehouse: Warehouse, insert: Callable[..., None]
) -> None:
    with warehouse.transaction() as connection:
        for number, event_type in enumerate(("view", "view", "Poke")):
            insert(connection, "raw.interactions", event_id=f"e{number}", event_type=event_type)
    shown = runner.invoke(app, [], catch_exceptions=False).output
    cells = {tuple(cell.strip() for cell in line.strip("│").split("│")) for line in shown.splitlines() if "│" in line}
    assert ("poke", "0.000", "", "", "1", "unknown") in cells
    assert ("view", "0.300", "", "180.000", "2", "") in cells
    assert ("refund", "0.000", "", "", "0", "") in cells
    assert "nightjar events set poke --weight W" in shown


def test_a_weight_is_set_unset_and_reset(runner: CliRunner, read: Callable[[str], list[EventWeight]]) -> None:
    def call(*arguments: str) -> None:
        runner.invoke(app, arguments, catch_exceptions=False)

    call("set", " Poke ", "--weight", "0.4", "--half-life-days", "7")
    call("set", "poke", "--weight", "0.5")
    assert read("poke") == [EventWeight("poke", 0.5, None, 7.0)]
    call("set", "poke", "--weight", "0.5", "--no-decay")
    call("set", "poke", "--weight", "1", "--min-value", "3")
    assert read("poke") == [EventWeight("poke", 0.5), EventWeight("poke", 1.0, 3.0)]
    call("unset", "POKE")
    assert read("poke") == []
    call("set", "view", "--weight", "0")
    call("reset", "--all")
    assert read("view") == [EventWeight("view", 0.3, None, 180.0)]


def test_a_file_of_weights_is_set(runner: CliRunner, read: Callable[[str], list[EventWeight]], tmp_path: Path) -> None:
    (tmp_path / "weights.csv").write_text("event_type,weight,min_value,half_life_days\npoke,0.2,,30\n")
    runner.invoke(app, ["set", "--file", str(tmp_path / "weights.csv")], catch_exceptions=False)
    assert read("poke") == [EventWeight("poke", 0.2, None, 30.0)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set",), "missing_option"),
        (("set", "poke"), "missing_option"),
        (("set", "--weight", "1"), "missing_option"),
        (("set", " ", "--weight", "1"), "missing_option"),
        (("set", "poke", "--weight", "nan"), "invalid_event_weights"),
        (("set", "poke", "--weight", "1", "--half-life-days", "0"), "invalid_event_weights"),
        (("set", "poke", "--weight", "1", "--half-life-days", "3", "--no-decay"), "conflicting_options"),
        (("set", "poke", "--file", "weights.csv"), "conflicting_options"),
        (("set", "--file", "nowhere.csv"), "unreadable_file"),
        (("unset", "poke"), "unknown_event_type"),
        (("unset", "view", "--min-value", "3"), "unknown_event_type"),
        (("reset",), "missing_option"),
        (("reset", "poke"), "no_shipped_weight"),
        (("reset", "view", "--all"), "conflicting_options"),
    ],
    ids=lambda each: each if isinstance(each, str) else " ".join(each),
)
def test_impossible_changes_are_refused(
    runner: CliRunner, warehouse: Warehouse, arguments: tuple[str, ...], code: str
) -> None:
    with refused(BadInput, code, wording=False):
        runner.invoke(app, arguments, catch_exceptions=False)
    with warehouse.connect(read_only=True) as connection:
        assert event_weights.read(connection) == sorted(
            event_weights.shipped(), key=lambda row: (row.event_type, row.min_value or 0)
        )
