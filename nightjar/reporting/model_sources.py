"""The sources of one publication's model: what each weighs, what it finds alone, what it adds to recommendations.

Reads `recs.model_sources`, `recs.model_metrics` and `recs.recommendations`; used by `nightjar/reporting/report.py`. A
publication of an earlier version has neither sources nor contributions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightjar.contract.artifacts.model_folder import LIGHTFM
from nightjar.reporting.report_tables import Rows, text
from nightjar.warehouse.protocol import Connection, has_column

_FITTED = """
    select source, kind, items, weight, {new_to_domain}, {cold_user}, fit_seconds from recs.model_sources
    where publication_id = ? order by weight desc, source
"""
_BY_USERS = {"new_to_domain": "weight_new_to_domain", "cold_user": "weight_cold_user"}
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
    where s.publication_id = ? and greatest(s.weight, {new_to_domain}) > 0
        and r.source = 'personal' and r.contributions is not null
    group by s.source
"""


@dataclass(frozen=True)
class ModelSource:
    """One source of a model.

    Attributes:
        source: its name.
        kind: `vectors`, `item_weights` or `item_scores`; None: it was evaluated, but is not in the published model.
        items: `warm` or `cold`, which of them it scores.
        weight: in the blend, 0 to 1, for users with items in the domain.
        weight_new_to_domain: for users whose items all lie in other domains; None: an earlier version published it.
        weight_cold_user: for users without any item; None as above.
        fit_seconds: of its fit.
        k: cut-off of the recall; None where it was not evaluated.
        recall: of the source alone, on a sample of the holdout.
        mean_contribution: to the score of a personal recommendation; None where no row has contributions.
    """

    source: str
    kind: str | None
    items: str
    weight: float | None
    weight_new_to_domain: float | None
    weight_cold_user: float | None
    fit_seconds: float | None
    k: int | None
    recall: float | None
    mean_contribution: float | None


def model_sources(connection: Connection, publication_id: str) -> list[ModelSource]:
    """Return the sources of a publication's model, the one of most weight first, then those only evaluated."""
    if not has_column(connection, "recs.model_sources", "source"):
        return []
    columns = _columns_by_users(connection)
    fitted = connection.execute(_FITTED.format(**columns), [publication_id]).fetchall()
    evaluated = connection.execute(_ALONE, [publication_id]).fetchall()
    alone = {(name, items): (k, value) for name, k, value, items in evaluated}
    means = _mean_contributions(connection, publication_id, columns)
    sources = [
        ModelSource(
            *(name, kind, items, weight, new_to_domain, cold_user, seconds),
            *alone.pop((name, items), (None, None)),
            _mean(name, means),
        )
        for name, kind, items, weight, new_to_domain, cold_user, seconds in fitted
    ]
    only_evaluated = [
        ModelSource(name, None, items, None, None, None, None, k, value, None)
        for (name, items), (k, value) in alone.items()
    ]
    return sources + only_evaluated


def table_of(sources: Sequence[ModelSource]) -> Rows:
    """Return the table of the report, one row a source.

    Weights for users new to a domain are a column where one of them is another, those for cold users where a source
    besides the embeddings has one.
    """
    cutoff = next((f"@{each.k}" for each in sources if each.k), "")
    weights = {"weight": [each.weight for each in sources]}
    if any(each.weight_new_to_domain not in (None, each.weight) for each in sources):
        weights["new to domain"] = [each.weight_new_to_domain for each in sources]
    if any(each.weight_cold_user for each in sources if each.source != LIGHTFM):
        weights["cold user"] = [each.weight_cold_user for each in sources]
    names = ["source", "kind", "items", *weights, "fit seconds", f"recall{cutoff} alone", "mean contribution"]
    return Rows(
        names,
        [
            [
                *(each.source, each.kind or "", each.items, *map(text, of_source)),
                *("" if each.fit_seconds is None else f"{each.fit_seconds:.1f}", text(each.recall)),
                text(each.mean_contribution),
            ]
            for each, *of_source in zip(sources, *weights.values(), strict=True)
        ],
    )


def _columns_by_users(connection: Connection) -> dict[str, str]:
    """Return the columns of the weights by kind of users; null where the table is one of an earlier version."""
    return {
        name: column if has_column(connection, "recs.model_sources", column) else "cast(null as double precision)"
        for name, column in _BY_USERS.items()
    }


def _mean_contributions(connection: Connection, publication_id: str, columns: Mapping[str, str]) -> dict[str, float]:
    if not has_column(connection, "recs.recommendations", "contributions"):
        return {}
    return dict(connection.execute(_CONTRIBUTIONS.format(**columns), [publication_id]).fetchall())


def _mean(source: str, means: dict[str, float]) -> float | None:
    """Return 0 for a source without weight, and None for all where no recommendation has contributions."""
    return means.get(source, 0.0) if means else None
