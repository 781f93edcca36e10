"""The images of a folder, one file an item, named after the item's id.

Used by `nightjar embed images`, which decodes them later.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_to_bytes

from nightjar.contract.artifacts.embeddings import sha256
from nightjar.contract.errors import BadInput
from nightjar.contract.progress import StageProgress
from nightjar.importers.encoder import EncoderInput
from nightjar.importers.import_notes import Note

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
Rejected = tuple[EncoderInput, str]


def read_item_images(folder: Path, *, progress: StageProgress, note: Note) -> tuple[list[EncoderInput], list[Rejected]]:
    """Return the images by name, and those that belong to no item of their own with the reason.

    Args:
        folder: Its subfolders are not read.
        progress: Reports how many files have their digest.
        note: Called with what is left out.

    Raises:
        BadInput: it is no folder, or holds no image.
    """
    if not folder.is_dir():
        raise BadInput(f"--images={folder} is no folder", code="no_such_folder", option="--images", path=folder)
    entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    files = [each for each in entries if each.suffix.lower() in SUFFIXES and each.is_file()]
    if not files:
        raise BadInput(
            f"--images={folder} holds no image: expected files named after the items' ids, such as 12.jpg, with"
            f" {', '.join(SUFFIXES)}",
            code="no_files",
            option="--images",
            path=folder,
        )
    if others := len(entries) - len(files):
        note(f"{folder}: left out {others:,} that are no files named {', '.join(SUFFIXES)}")
    return _named(files, progress)


def _named(files: Iterable[Path], progress: StageProgress) -> tuple[list[EncoderInput], list[Rejected]]:
    inputs: dict[str, EncoderInput] = {}
    rejected: list[Rejected] = []
    for place, path in enumerate(files):
        progress.pulse(f"{place:,} files read")
        item_id = item_id_of(path.stem)
        name = os.fsencode(path.name).decode("utf-8", "replace")
        each = EncoderInput(item_id or name, path, sha256(path), name)
        if item_id is None:
            rejected.append((each, "name of the file is no percent-encoded UTF-8"))
        elif item_id in inputs:
            rejected.append((each, f"name of the file is that of the same item as {inputs[item_id].file}"))
        else:
            inputs[item_id] = each
    return list(inputs.values()), rejected


def item_id_of(stem: str) -> str | None:
    """Return the item that a file is named after; None where its name is no percent-encoded UTF-8.

    What no name of a file can hold, and % before two hex digits, is percent-encoded.

    >>> [item_id_of(stem) for stem in ("12", "a%2Fb", "100%25", "100%", "5%ff")]
    ['12', 'a/b', '100%', '100%', None]
    """
    try:
        return unquote_to_bytes(stem).decode("utf-8")
    except UnicodeError:
        return None
