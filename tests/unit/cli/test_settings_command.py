import pytest

from nightjar.cli.settings_command import settings, settings_table
from nightjar.cli.settings_reference import settings_reference
from nightjar.contract.places import REPOSITORY
from nightjar.contract.settings import Settings
from tests.support.golden import check_file


def test_the_command_prints_every_setting_or_the_basic_ones(capsys: pytest.CaptureFixture[str]) -> None:
    settings()
    every = capsys.readouterr().out.splitlines()
    settings(basic=True)
    basic = capsys.readouterr().out.splitlines()
    assert len(every) == len(Settings.model_fields) + 2
    assert 15 <= len(basic) - 2 <= 20
    assert set(basic) <= set(every)


def test_the_reference_page_is_the_generated_one() -> None:
    check_file(REPOSITORY / "docs" / "reference" / "settings.md", settings_reference())


def test_no_default_and_no_description_breaks_the_table() -> None:
    assert {line.count("|") for line in settings_table().splitlines()} == {4}
