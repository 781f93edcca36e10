"""Small image files, and image models of each library that need no download."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def write_image(path: Path, colour: tuple[int, ...], mode: str = "RGB", **options: Any) -> None:
    """Write an image of one colour, 6 pixels wide and 4 high; its format is that of the suffix."""
    image = pytest.importorskip("PIL.Image")
    image.new(mode, (6, 4), colour).save(path, **options)


def mean_colour_model(folder: Path, **changes: Any) -> Path:
    """Write an ONNX model whose vector is the mean of each channel: (n, 3, height, width) to (n, 3)."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(_mean_over_height_and_width())
    preprocessing = {"size": {"height": 2, "width": 2}, "image_mean": [0.5, 0, 0], "image_std": [0.5, 1, 2]}
    (folder / "preprocessor_config.json").write_text(json.dumps({**preprocessing, **changes}))
    return folder


def _mean_over_height_and_width() -> bytes:
    """The bytes of an ONNX model of one node, by the field numbers of onnx.proto, so that no package writes it."""
    axes = _field(1, b"axes") + _field(8, 2) + _field(8, 3) + _field(20, 7)
    keep = _field(1, b"keepdims") + _field(3, 0) + _field(20, 2)
    node = _field(1, b"x") + _field(2, b"y") + _field(4, b"ReduceMean") + _field(5, axes) + _field(5, keep)
    graph = (
        _field(1, node)
        + _field(2, b"mean")
        + _field(11, _tensor(b"x", (b"n", 3, b"h", b"w")))
        + _field(12, _tensor(b"y", (b"n", 3)))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 13))


def _tensor(name: bytes, shape: tuple[int | bytes, ...]) -> bytes:
    sizes = b"".join(_field(1, _field(1 if isinstance(size, int) else 2, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, sizes)))


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return struct.pack("BB", number << 3, value) if number < 16 else bytes([number << 3 & 127 | 128, 1, value])
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + value


def tiny_timm_model(folder: Path) -> Path:
    """Write a vision transformer of one block and 8 numbers, as timm saves models."""
    timm = pytest.importorskip("timm")
    torch = pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    folder.mkdir()
    shape = {"img_size": 32, "patch_size": 16, "embed_dim": 8, "depth": 1, "num_heads": 2}
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=2, **shape)
    safetensors.save_file(model.state_dict(), folder / "model.safetensors")
    pretrained = {
        "input_size": [3, 32, 32],
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bicubic",
        "crop_pct": 1.0,
        "num_classes": 2,
        "first_conv": "patch_embed.proj",
        "classifier": "head",
    }
    config = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 2,
        "model_args": shape,
        "pretrained_cfg": pretrained,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def tiny_clip_model(folder: Path) -> Path:
    """Write a CLIP of one block and 8 numbers, as sentence-transformers saves models."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    inner = folder / "clip"
    inner.mkdir(parents=True)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    words = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a": 2, "a</w>": 3, "b": 4, "b</w>": 5}
    config = transformers.CLIPConfig(
        text_config={"vocab_size": 8, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1, **size},
        vision_config={"image_size": 32, "patch_size": 16, **size},
        projection_dim=8,
    )
    torch.manual_seed(0)
    transformers.CLIPModel(config).save_pretrained(inner)
    (inner / "vocab.json").write_text(json.dumps(words))
    (inner / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(inner / "vocab.json"), str(inner / "merges.txt"))
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    transformers.CLIPProcessor(image_processor=processor, tokenizer=tokenizer).save_pretrained(inner)
    model = sentence_transformers.SentenceTransformer(modules=[modules.CLIPModel(str(inner))], device="cpu")
    model.save(str(folder / "saved"))
    return folder / "saved"
