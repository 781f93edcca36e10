"""The texts of all items, as the newest rows of the raw tables give them.

Reads `raw.items` and `raw.item_features`; used by `nightjar embed text`.
"""

import hashlib

from nightjar.contract.item_text import DESCRIPTION_PREFIX, texts_of_items
from nightjar.importers.encoder import EncoderInput
from nightjar.warehouse.protocol import Warehouse

_TITLES = "select distinct on (item_id) item_id, title from raw.items order by item_id, recorded_at desc, domain, title"
# A weight of 0 withdraws a feature.
_DESCRIPTIONS = """
    select item_id, feature from (
        select distinct on (item_id, feature) item_id, feature, weight from raw.item_features
        where starts_with(feature, $prefix)
        order by item_id, feature, recorded_at desc, weight desc
    ) as newest
    where weight > 0
"""


def read_item_texts(warehouse: Warehouse, file: str) -> list[EncoderInput]:
    """Return the text of every item that has one, the longest first, so that a batch is padded little.

    Args:
        warehouse: Its tables must exist.
        file: Name of the inputs in `raw.rejected_rows`.
    """
    with warehouse.connect(read_only=True) as connection:
        titles = connection.execute(_TITLES).fetchall()
        descriptions = connection.execute(_DESCRIPTIONS, {"prefix": DESCRIPTION_PREFIX}).fetchall()
    texts = [(item_id, text) for item_id, text in texts_of_items(titles, descriptions).items() if text]
    texts.sort(key=lambda each: (-len(each[1]), each[1], each[0]))
    return [
        EncoderInput(item_id, text, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), file)
        for item_id, text in texts
    ]
