"""The sources of one publication's model: what each weighs, what it finds alone, what it adds to recommendations.

Reads `recs.model_sources`, `recs.model_metrics` and `recs.recommendations`; used by `nightjar/reporting/report.py`. A
publication of an earlier version has neither sources nor contributions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nightjar.reporting.report_tables import Rows, text
from nightjar.warehouse.protocol import Connection, has_column

_FITTED = """
    select source, kind, items, weight, fit_seconds from recs.model_sources
    where publication_id = ? order by weight desc, source
"""
# A source of cold items is evaluated on them, every other one on all users.
_ALONE = """
    select model, k, value, case when slice = 'cold_item' then 'cold' else 'warm' end as items
    from recs.model_metrics
    where publication_id = ? and metric = 'recall' and slice in ('all', 'cold_item')
        and model not in ('nightjar', 'popularity', 'champion', 'consumed')
    order by value desc, model
"""
# A source that adds nothing to a row is not in its contributions.
_CONTRIBUTIONS = """
    select s.source,
        avg(coalesce(cast(cast(r.contributions as json) ->> s.source as double precision), 0)) as mean_contribution
    from recs.model_sources s
    join recs.recommendations r on r.publication_id = s.publication_id
    where s.publication_id = ? and s.weight > 0 and r.source = 'personal' and r.contributions is not null
    group by s.source
"""


@dataclass(frozen=True)
class ModelSource:
    """One source of a model.

    Attributes:
        source: its name.
        kind: `vectors`, `item_weights` or `item_scores`; None: it was evaluated, but is not in the published model.
        items: `warm` or `cold`, which of them it scores.
        weight: in the blend, 0 to 1.
        fit_seconds: of its fit.
        k: cut-off of the recall; None where it was not evaluated.
        recall: of the source alone, on a sample of the holdout.
        mean_contribution: to the score of a personal recommendation; None where no row has contributions.
    """

    source: str
    kind: str | None
    items: str
    weight: float | None
    fit_seconds: float | None
    k: int | None
    recall: float | None
    mean_contribution: float | None


def model_sources(connection: Connection, publication_id: str) -> list[ModelSource]:
    """Return the sources of a publication's model, the one of most weight first, then those only evaluated."""
    if not has_column(connection, "recs.model_sources", "source"):
        return []
    fitted = connection.execute(_FITTED, [publication_id]).fetchall()
    evaluated = connection.execute(_ALONE, [publication_id]).fetchall()
    alone = {(name, items): (k, value) for name, k, value, items in evaluated}
    means = _mean_contributions(connection, publication_id)
    sources = [
        ModelSource(name, kind, items, weight, seconds, *alone.pop((name, items), (None, None)), _mean(name, means))
        for name, kind, items, weight, seconds in fitted
    ]
    only_evaluated = [
        ModelSource(name, None, items, None, None, k, value, None) for (name, items), (k, value) in alone.items()
    ]
    return sources + only_evaluated


def table_of(sources: Sequence[ModelSource]) -> Rows:
    """Return the table of the report, one row a source."""
    cutoff = next((f"@{each.k}" for each in sources if each.k), "")
    names = ["source", "kind", "items", "weight", "fit seconds", f"recall{cutoff} alone", "mean contribution"]
    return Rows(
        names,
        [
            [
                *(each.source, each.kind or "", each.items, text(each.weight)),
                *("" if each.fit_seconds is None else f"{each.fit_seconds:.1f}", text(each.recall)),
                text(each.mean_contribution),
            ]
            for each in sources
        ],
    )


def _mean_contributions(connection: Connection, publication_id: str) -> dict[str, float]:
    if not has_column(connection, "recs.recommendations", "contributions"):
        return {}
    return dict(connection.execute(_CONTRIBUTIONS, [publication_id]).fetchall())


def _mean(source: str, means: dict[str, float]) -> float | None:
    """Return 0 for a source without weight, and None for all where no recommendation has contributions."""
    return means.get(source, 0.0) if means else None
