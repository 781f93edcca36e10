import pytest

from nightjar.contract.errors import BadInput
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.settings import Settings, load_settings
from tests.support.refusals import refused


@pytest.mark.parametrize(
    ("text", "films", "music"),
    [
        ("", None, None),
        (" ", None, None),
        ("7", 7, 7),
        ("0", 0, 0),
        ("music=0", None, 0),
        ("films=7, music=0", 7, 0),
        ("films=7,*=30", 7, 30),
        ("*=30 , films=7", 7, 30),
        ("30,films=7", 7, 30),
        ("a=b=3,films=1", 1, None),
    ],
)
def test_a_domain_has_its_own_days_or_those_of_all_others_or_none(
    text: str, films: int | None, music: int | None
) -> None:
    rule = Repeats.of(text)
    assert (rule.after_days("films"), rule.after_days("music")) == (films, music)
    assert rule.allows_none is (films is None and music is None)


def test_the_name_of_a_domain_may_hold_an_equals_sign_and_spaces() -> None:
    assert Repeats.of("a=b=3, c d = 4").days == {"a=b": 3, "c d": 4}


@pytest.mark.parametrize(
    "text", ["-1", "seven", "films", "films=", "=7", "films=1.5", "films=7,films=8", "7,*=8", "7,,8"]
)
def test_anything_else_is_refused_by_the_setting_s_name_with_what_is_wrong(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTJAR_REPEAT_AFTER_DAYS", text)
    with refused(BadInput, "unknown_setting_value", setting="NIGHTJAR_REPEAT_AFTER_DAYS", value=text):
        load_settings()


def test_only_domains_that_are_named_can_be_unknown() -> None:
    assert Repeats.of("films=7,musik=0,*=3").unknown_domains(["films", "music"]) == ["musik"]
    assert Settings(repeat_after_days="7").repeats.unknown_domains([]) == []
