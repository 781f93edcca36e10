"""Image models of each library, and what is read of image files, against values worked out by hand."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.data.encoders import ImageEncoder, library_of, require_image_model
from ml.data.image_files import UnreadableImage, read_image, resized
from nightjar.contract.errors import BadInput, NightjarError
from tests.support.image_models import BLUE, RED, mean_colour_model, tiny_clip_model, tiny_timm_model, write_image
from tests.support.refusals import refused


def test_an_onnx_model_gets_values_about_the_mean_in_units_of_the_deviation(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model = mean_colour_model(tmp_path / "model")
    for name, colour in (("red.png", RED), ("grey.png", (51, 51, 51))):
        write_image(tmp_path / name, colour)
    encoded = ImageEncoder(str(model)).encode([tmp_path / "red.png", tmp_path / "grey.png"])
    # (1 - 0.5) / 0.5, 0 / 1, 0 / 2; 51 of 255 is 0.2.
    assert encoded.vectors == pytest.approx(np.array([[1, 0, 0], [-0.6, 0.2, 0.1]]), abs=1e-6)
    assert encoded.vectors.dtype == np.float32
    assert encoded.unreadable == {}


@pytest.mark.parametrize("write_model", [mean_colour_model, tiny_timm_model, tiny_clip_model])
def test_models_of_each_library_give_the_same_bits_again_and_tell_images_apart(
    tmp_path: Path, write_model: Callable[[Path], Path]
) -> None:
    pytest.importorskip("onnxruntime")
    folder = write_model(tmp_path / "model")
    require_image_model(folder)
    paths = [tmp_path / "red.png", tmp_path / "blue.jpg", tmp_path / "torn.jpg", tmp_path / "red.webp"]
    for path, colour in zip(paths, (RED, BLUE, RED, RED), strict=True):
        write_image(path, colour, **({"lossless": True} if path.suffix == ".webp" else {}))
    paths[2].write_bytes(paths[1].read_bytes()[:-30])
    encoder = ImageEncoder(str(folder))
    first, again = encoder.encode(paths), ImageEncoder(str(folder)).encode(paths)
    assert [*first.unreadable] == [2]
    assert first.vectors.shape == (3, 3 if write_model is mean_colour_model else 8)
    assert first.vectors.tobytes() == again.vectors.tobytes()
    assert first.vectors[0] == pytest.approx(first.vectors[2], abs=1e-5)
    assert np.abs(first.vectors[0] - first.vectors[1]).max() > 0.01
    assert len(encoder.sha256) == 64


def test_a_model_of_texts_takes_no_images(tmp_path: Path, text_model: Callable[..., str]) -> None:
    write_image(tmp_path / "red.png", RED)
    folder = text_model({})
    sys.modules["sentence_transformers"].SentenceTransformer.modalities = ["text"]  # type: ignore[attr-defined]
    with refused(BadInput, "not_an_image_model", option="--model", value=folder):
        ImageEncoder(folder).encode([tmp_path / "red.png"])


def test_the_library_is_that_of_the_files(tmp_path: Path) -> None:
    assert library_of(tmp_path / "gone") is None
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert library_of(tmp_path) is None
    (tmp_path / "config.json").write_text('{"architecture": "resnet18"}')
    assert library_of(tmp_path) == "timm"
    (tmp_path / "model.onnx").touch()
    assert library_of(tmp_path) == "timm"
    (tmp_path / "preprocessor_config.json").touch()
    assert library_of(tmp_path) == "onnxruntime"
    (tmp_path / "modules.json").touch()
    assert library_of(tmp_path) == "sentence-transformers"


def test_a_folder_without_a_model_and_a_missing_package_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refused(BadInput, "not_an_image_model", option="--model", value=tmp_path):
        require_image_model(tmp_path)
    model = mean_colour_model(tmp_path / "model")
    for lacking, package in (("onnxruntime", "onnxruntime"), ("PIL", "pillow")):
        monkeypatch.setattr(
            "nightjar.contract.extras.find_spec", lambda name, gone=lacking: None if name == gone else 1
        )
        with refused(BadInput, "missing_package", option="--model", package=package):
            require_image_model(model)


@pytest.mark.parametrize(
    "changes",
    [{"size": None}, {"size": 0}, {"image_std": [0, 1, 1]}, {"image_mean": [1]}, {"size": {"width": 2}}],
    ids=["no size", "size of 0", "deviation of 0", "one channel", "no height"],
)
def test_a_preprocessing_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    pytest.importorskip("onnxruntime")
    write_image(tmp_path / "red.png", RED)
    model = mean_colour_model(tmp_path / "model", **changes)
    with refused(BadInput, "unreadable_image_model", wording=False, option="--model", value=model):
        ImageEncoder(str(model)).encode([tmp_path / "red.png"])


def test_a_torn_model_is_refused_and_values_that_are_not_finite_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    write_image(tmp_path / "red.png", RED)
    model = mean_colour_model(tmp_path / "model")
    (model / "model.onnx").write_bytes(b"torn")
    with refused(BadInput, "unreadable_image_model", wording=False, value=model):
        ImageEncoder(str(model)).encode([tmp_path / "red.png"])
    monkeypatch.setattr("ml.data.encoders.load_onnx_model", lambda folder: lambda images: np.array([[np.inf]]))
    with refused(NightjarError, "not_finite", wording=False, value=model):
        ImageEncoder(str(model)).encode([tmp_path / "red.png"])


def test_images_are_rgb_upright_and_white_where_transparent(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    write_image(tmp_path / "clear.png", (255, 0, 0, 0), "RGBA")
    assert read_image(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)
    write_image(tmp_path / "grey.png", (7,), "L")
    assert read_image(tmp_path / "grey.png").getpixel((0, 0)) == (7, 7, 7)
    turned = image.new("RGB", (6, 4))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").size == (4, 6)


def test_the_middle_is_cut_out_after_the_shorter_side_has_its_size() -> None:
    image = pytest.importorskip("PIL.Image")
    # A red third, a green third, a blue third: the middle square is green alone.
    picture = image.new("RGB", (30, 10))
    for third, colour in enumerate(((255, 0, 0), (0, 255, 0), (0, 0, 255))):
        picture.paste(colour, (10 * third, 0, 10 * third + 10, 10))
    assert resized(picture, 8, 8, shortest_edge=10).mean(axis=(0, 1)).tolist() == [0, 1, 0]
    assert resized(picture, 8, 8).shape == (8, 8, 3)
    assert resized(picture, 5, 8, shortest_edge=5).shape == (5, 8, 3)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0", b"\xff\xd8\xff\xe0 torn"])
def test_what_is_no_image_has_a_reason_without_the_name_of_the_file(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("PIL")
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UnreadableImage) as caught:
        read_image(tmp_path / "a.jpg")
    assert str(tmp_path) not in str(caught.value)


def test_an_image_of_too_many_pixels_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = pytest.importorskip("PIL.Image")
    write_image(tmp_path / "a.png", RED)
    for limit in (20, 10):
        monkeypatch.setattr(image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(UnreadableImage, match=f"{limit} pixels"):
            read_image(tmp_path / "a.png")
