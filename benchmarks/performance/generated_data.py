"""Generated interactions of any size with planted tastes, streamed to the files that `nightjar import files` reads.

Items belong to one of 40 groups and are popular by Zipf's law; a user has three groups and takes four events of five
from them. Activity is log-normal. Nothing but a block of users is in memory at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from nightjar.ranking.top_k_lists import place_in_row

LAST_DATE = date(2026, 3, 31)
DAYS = 365
_GROUPS, _OWN_GROUPS, _OWN_FRACTION = 40, 3, 0.8
_BLOCK_USERS = 5_000
# Duplicate pairs are dropped: so many are drawn for each pair of the result.
_DRAWS = 1.6


@dataclass(frozen=True)
class Size:
    """How much is generated.

    Attributes:
        name: what `make bench SIZE=` calls it.
        interactions: may be a few percent fewer, because no pair of user and item comes twice.
        users: all of them with events.
        items: most of them with events.
        index_items: indices of so many generated vectors are measured too.
    """

    name: str
    interactions: int
    users: int
    items: int
    index_items: tuple[int, ...] = ()


SIZES = {
    size.name: size
    for size in (
        Size("smoke", 5_000, 200, 150),
        Size("100k", 100_000, 4_000, 1_500),
        Size("1m", 1_000_000, 20_000, 4_000),
        # As many users and items as MovieLens 20M has.
        Size("20m", 20_000_000, 138_000, 27_000, (1_000_000,)),
    )
}


def write_files(size: Size, folder: Path) -> dict[str, Path]:
    """Write the files of one size and return them by the option of `nightjar import files` that takes them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.parquet" for name in ("interactions", "items", "item_features", "users")}
    random = np.random.default_rng(1)
    group = random.integers(0, _GROUPS, size.items)
    blocks = _blocks(size, group, random)
    first = next(blocks)
    with pq.ParquetWriter(paths["interactions"], first.schema) as writer:
        writer.write_table(first)
        for block in blocks:
            writer.write_table(block)
    item_ids = _ids("item", np.arange(size.items))
    pq.write_table(pa.table({"item_id": item_ids, "domain": ["films"] * size.items}), paths["items"])
    features = pa.array([f"genre:{each}" for each in group] + [f"decade:{1930 + 10 * (each % 10)}" for each in group])
    pq.write_table(pa.table({"item_id": pa.concat_arrays([item_ids] * 2), "feature": features}), paths["item_features"])
    pq.write_table(pa.table({"user_id": _ids("user", np.arange(size.users))}), paths["users"])
    return paths


def _blocks(size: Size, group: NDArray[np.int64], random: np.random.Generator) -> Iterator[pa.Table]:
    probability = 1 / (1 + random.permutation(size.items)) ** 0.8
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(_GROUPS + 1))
    # Cumulative probabilities over the items by group: a group is a range of it.
    cumulative = np.concatenate([[0.0], probability[order].cumsum()])
    activity = random.lognormal(0, 1, size.users)
    counts = np.clip(np.round(activity / activity.sum() * size.interactions), 5, size.items // 4).astype(np.int64)
    end = LAST_DATE + timedelta(days=1)
    for start in range(0, size.users, _BLOCK_USERS):
        wanted = counts[start : start + _BLOCK_USERS]
        users = np.repeat(np.arange(len(wanted)), np.ceil(_DRAWS * wanted).astype(np.int64))
        groups = random.integers(0, _GROUPS, (len(wanted), _OWN_GROUPS))
        group = groups[users, random.integers(0, _OWN_GROUPS, len(users))]
        everywhere = random.random(len(users)) > _OWN_FRACTION
        low, high = (
            np.where(everywhere, 0, cumulative[edges[group]]),
            np.where(everywhere, cumulative[-1], cumulative[edges[group + 1]]),
        )
        drawn = np.searchsorted(cumulative, low + random.random(len(users)) * (high - low), side="right") - 1
        items = order[np.clip(drawn, 0, size.items - 1)]
        _, first = np.unique(users * size.items + items, return_index=True)
        # In the order of drawing, so that which pairs are dropped does not depend on item numbers.
        kept = np.sort(first)
        kept = kept[place_in_row(users[kept]) < wanted[users[kept]]]
        seconds = random.integers(1, DAYS * 86_400, len(kept))
        times = (np.datetime64(end, "s") - seconds).astype("datetime64[us]")
        yield pa.table(
            {
                "user_id": _ids("user", start + users[kept]),
                "item_id": _ids("item", items[kept]),
                "occurred_at": pa.array(times).cast(pa.timestamp("us", "UTC")),
                "value": pa.array(random.integers(1, 6, len(kept)), pa.float64()),
            }
        )


def _ids(kind: str, numbers: NDArray[np.int64]) -> pa.Array:
    return pa.array(np.char.add(f"{kind}-", numbers.astype(str)), pa.string())
