"""A run folder with features as Spark writes them: two tastes, planted, and every kind of cold user and item.

Users u00 to u29 and items i00 to i39 have events; even users like even items, odd users odd ones. u29 and i39 have
all their events in the holdout, u28 and i38 all others in the choice window. u30 has a feature only, u31 nothing; i40
has a feature only, i41 nothing, i42 is like i00 but unavailable. A user's segment is their taste.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.data.text_model import encode
from nightjar.contract.interval import of_date
from nightjar.contract.run_folder import RunFolder, RunRecord
from nightjar.contract.settings import Settings
from nightjar.warehouse.engines import open_warehouse
from nightjar.warehouse.protocol import Warehouse
from tests.support.pair_features import write_pairs
from tests.support.popularity_features import write_popularity

USERS, ITEMS = 32, 43


def write_table(folder: RunFolder, name: str, columns: dict[str, Any]) -> None:
    target = folder.features(name)
    target.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), target / "part-0.parquet")


def planted_pairs() -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Train and holdout pairs: 12 of the 20 items of the user's taste, the last 3 of them held out."""
    random = np.random.default_rng(5)
    train, holdout = [], []
    for user in range(30):
        liked = random.permutation(np.arange(user % 2, 40, 2))[:12]
        for place, item in enumerate(int(each) for each in liked):
            is_held_out = place >= 9 or user == 29 or item == 39
            (holdout if is_held_out else train).append((user, item))
    return train, holdout


def planted_choice(train: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the train pairs of the choice window: the last two of each user, and all of u28 and i38."""
    third = [*train[2:], (-1, -1), (-1, -1)]
    return [
        pair for pair, after in zip(train, third, strict=True) if pair[0] != after[0] or pair[0] == 28 or pair[1] == 38
    ]


def write_features(folder: RunFolder) -> None:
    train, holdout = planted_pairs()
    write_pairs(folder, train, holdout, choice_holdout=planted_choice(train))
    # Each user's pairs in the order of the draw, the last one the newest; one of them every day.
    pairs = sorted(train + holdout, key=lambda pair: pair[0])
    recency = [sum(other == user for other, _ in pairs[place:]) for place, (user, _) in enumerate(pairs)]
    columns = dict(zip(("user_index", "item_index"), zip(*pairs, strict=True), strict=True))
    write_table(folder, "seen", columns | {"recency": recency, "days_since": [each - 1 for each in recency]})
    # u29's odd items but i39, in the order of the draw: the last one shown is the newest.
    items = [item for user, item in holdout if user == 29 and item != 39][:9]
    recency = range(len(items), 0, -1)
    write_table(folder, "shown", {"user_index": [29] * len(items), "item_index": items, "recency": recency})
    user_ids, item_ids = [f"u{n:02d}" for n in range(USERS)], [f"i{n:02d}" for n in range(ITEMS)]
    write_table(folder, "user_ids", {"user_index": range(USERS), "user_id": user_ids})
    write_table(
        folder,
        "item_ids",
        {
            "item_index": range(ITEMS),
            "item_id": item_ids,
            "domain": ["default"] * ITEMS,
            "is_available": [n != 42 for n in range(ITEMS)],
        },
    )
    write_side(folder, "user", [f"id:{user_ids[n]}" for n in range(30)], "taste", [*range(31)])
    write_side(folder, "item", [f"id:{item_ids[n]}" for n in range(40)], "genre", [*range(41), 42])
    write_popularity(folder, {n: "taste:odd" if n % 2 else "taste:even" for n in range(31)})


def write_side(folder: RunFolder, side: str, identities: list[str], kind: str, carriers: list[int]) -> None:
    count = len(identities)
    rows = [*range(count), *carriers]
    features = [*range(count), *(count + n % 2 for n in carriers)]
    columns = {f"{side}_index": rows, "feature_index": features, "value": [1.0] * len(rows)}
    write_table(folder, f"{side}_features", columns)
    names = [*identities, f"{kind}:even", f"{kind}:odd"]
    write_table(folder, f"{side}_feature_names", {"feature_index": range(len(names)), "feature": names})


@dataclass(frozen=True)
class PlantedRun:
    """One attempt in a home of its own, with the planted features."""

    settings: Settings
    warehouse: Warehouse
    folder: RunFolder


def plant_run(home: Path, **changes: Any) -> PlantedRun:
    small = {"home": home, "embedding_dim": 8, "epochs": 40, "learning_rate": 0.05, "max_sampled": 10}
    settings = Settings(**{**small, **changes})
    record = RunRecord("2026-03-01.1", 1, of_date("2026-03-01"), None, "auto", "manual", "0.1.0")
    folder = RunFolder.of(settings.lake, record.publication_id)
    folder.write_record(record)
    write_features(folder)
    folder.snapshot("interactions").parent.mkdir()
    pq.write_table(pa.table({"event_id": ["e1"]}), folder.snapshot("interactions"))
    warehouse = open_warehouse(settings)
    warehouse.create_tables()
    return PlantedRun(settings, warehouse, folder)


@pytest.fixture(scope="session")
def plant() -> Callable[..., PlantedRun]:
    """Begin a run with the planted features: `plant(home, setting=value, ...)`."""
    return plant_run


@pytest.fixture(scope="session")
def replace_features() -> Callable[[RunFolder, str, dict[str, Any]], None]:
    """Write other columns into one feature table."""
    return write_table


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> PlantedRun:
    """One planted run that the tests of a module share."""
    return plant_run(tmp_path_factory.mktemp("home"))


@pytest.fixture
def text_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Put a package in the place of sentence-transformers and give a model's folder: `text_model({text: vector})`.

    A text without a vector of its own gets (0, 0, 7).
    """

    def prepare(vectors: Mapping[str, tuple[float, ...]]) -> str:
        class SentenceTransformer:
            def __init__(self, path: str, *, device: str, local_files_only: bool) -> None:
                assert (device, local_files_only) == ("cpu", True)
                json.loads((Path(path) / "modules.json").read_text())

            def encode(self, texts: list[str], *, batch_size: int, show_progress_bar: bool) -> list[tuple[float, ...]]:
                return [vectors.get(text, (0.0, 0.0, 7.0)) for text in texts]

        module = ModuleType("sentence_transformers")
        module.__spec__ = ModuleSpec("sentence_transformers", None)
        module.__dict__["SentenceTransformer"] = SentenceTransformer
        monkeypatch.setitem(sys.modules, "sentence_transformers", module)
        folder = tmp_path / "text-model"
        folder.mkdir()
        (folder / "modules.json").write_text("[]")
        return str(folder)

    encode.cache_clear()
    yield prepare
    encode.cache_clear()


@pytest.fixture(scope="session")
def write_texts() -> Callable[..., None]:
    """Write the snapshot's items and features: `write_texts(folder, {item_id: title}, [(item_id, feature)])`."""

    def write(folder: RunFolder, titles: Mapping[str, str | None], features: list[tuple[str, str]]) -> None:
        items = {"item_id": list(titles), "title": pa.array(titles.values(), pa.string())}
        pq.write_table(pa.table(items), folder.snapshot("items"))
        given = pa.Table.from_pylist(
            [{"item_id": item_id, "feature": feature} for item_id, feature in features],
            pa.schema({"item_id": pa.string(), "feature": pa.string()}),
        )
        pq.write_table(given, folder.snapshot("item_features"))

    return write
