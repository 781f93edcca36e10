"""Figures that others have published of the same data, split and metrics. Quoted, not measured here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """One published figure.

    Attributes:
        model: as its authors call it.
        recall: recall@10.
        ndcg: NDCG@10.
        source: where it is published.
    """

    model: str
    recall: float
    ndcg: float
    source: str


_ESASREC = "Tikhonovich et al., *eSASRec* (RecSys 2025, arXiv 2508.06450), all items ranked"
# By the title of the table.
MARKS = {
    "amazon-beauty, last one of each user": (Mark("SASRec, sampled softmax", 0.0921, 0.0531, _ESASREC),),
}


def quoted(title: str) -> str:
    """Return the published figures beside one table in words, empty where there is none."""
    return "".join(
        f"\nPublished, not measured here: {each.model}, recall@10 {each.recall:.4f}, NDCG@10 {each.ndcg:.4f} "
        f"({each.source}).\n"
        for each in MARKS.get(title, ())
    )
