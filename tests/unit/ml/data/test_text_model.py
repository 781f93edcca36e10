import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.data.text_model import encode, text_model_digest
from nightjar.contract.errors import BadInput, NightjarError
from nightjar.contract.interval import of_date
from nightjar.contract.settings import Settings
from nightjar.publishing.attempts import begin_attempt
from nightjar.publishing.run_request import RunRequest
from nightjar.publishing.text_model_check import check_text_model
from nightjar.publishing.tuning_folder import begin_tuning
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.refusals import refused

SETTING = "NIGHTJAR_TEXT_MODEL"


@pytest.mark.parametrize(
    "begin",
    [
        lambda settings, warehouse: begin_attempt(settings, warehouse, RunRequest(of_date("2026-03-01"), "r")),
        lambda settings, warehouse: begin_tuning(settings, warehouse, None),
    ],
)
def test_a_folder_that_is_no_model_is_refused_before_any_work(
    begin: Callable[[Settings, Warehouse], object], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", text_model=str(tmp_path / "gone"))
    warehouse = open_warehouse(settings)
    with refused(BadInput, "not_a_text_model", setting=SETTING, value=tmp_path / "gone"):
        begin(settings, warehouse)
    assert not settings.lake.exists()


def test_a_missing_package_is_refused_with_how_to_install_it(
    text_model: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(text_model=text_model({}))
    check_text_model(settings)
    monkeypatch.setattr("nightjar.contract.extras.find_spec", lambda name: None)
    with refused(BadInput, "missing_package", setting=SETTING, package="sentence-transformers"):
        check_text_model(settings)
    # Scoring again with the date's model, and a home without a text model, need no package.
    check_text_model(settings, ("serving", "publication"))
    check_text_model(Settings())


def test_warm_started_runs_have_no_text_model(text_model: Callable[..., str]) -> None:
    with refused(BadInput, "conflicting_settings"):
        check_text_model(Settings(text_model=text_model({}), warm_start="on"))


def test_a_model_that_does_not_load_is_bad_input(text_model: Callable[..., str]) -> None:
    folder = text_model({})
    (Path(folder) / "modules.json").write_text("{\n")
    with refused(BadInput, "unreadable_text_model", wording=False, setting=SETTING, value=folder) as error:
        encode(folder, ("a",))
    assert "\n" not in str(error.value)


def test_a_package_that_was_removed_is_bad_input(
    text_model: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = text_model({})
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with refused(BadInput, "unreadable_text_model", wording=False, setting=SETTING, value=folder) as error:
        encode(folder, ("a",))
    assert "sentence_transformers" in str(error.value)
    assert "\n" not in str(error.value)


def test_values_that_are_not_finite_are_refused(text_model: Callable[..., str]) -> None:
    folder = text_model({"a": (float("nan"), 0.0, 0.0)})
    with refused(NightjarError, "not_finite", wording=False, setting=SETTING, value=folder):
        encode(folder, ("a",))


def test_the_digest_depends_on_names_and_contents_and_not_on_the_folder(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name / "part").mkdir(parents=True)
        (tmp_path / name / "part" / "b.bin").write_bytes(b"b")
        (tmp_path / name / "a.json").write_bytes(b"a")
    of_a, of_b = (hashlib.sha256(each).hexdigest() for each in (b"a", b"b"))
    by_hand = hashlib.sha256(f"a.json {of_a}\npart/b.bin {of_b}\n".encode()).hexdigest()
    assert text_model_digest(str(tmp_path / "here")) == text_model_digest(str(tmp_path / "there")) == by_hand
    (tmp_path / "there" / "part" / "b.bin").write_bytes(b"c")
    assert text_model_digest(str(tmp_path / "there")) != by_hand
    assert text_model_digest("") == "none"


def test_the_folder_is_absolute_wherever_a_command_is_started() -> None:
    assert Settings(text_model="models/small").text_model == str(Path.cwd() / "models/small")
    assert Settings().text_model == ""
