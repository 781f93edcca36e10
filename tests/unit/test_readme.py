"""The README tells the truth: its table of basic settings is the generated one."""

from nightjar.cli.settings_command import settings_table
from nightjar.contract.places import REPOSITORY


def test_the_table_of_basic_settings_is_the_generated_one() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    shown = text.split("<!-- settings -->\n")[1].split("\n<!-- /settings -->")[0]
    assert shown == settings_table(basic=True)
