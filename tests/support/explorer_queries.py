"""Runs every query of the explorer on a run made by dbt and the stages: their columns really exist."""

from nightjar.contract.settings import Settings
from nightjar.explorer import clicks, item_map, item_vectors, items, publications, quality, users
from nightjar.explorer.warehouse_queries import query_warehouse
from nightjar.warehouse.protocol import Connection


def check_every_query_has_rows(settings: Settings) -> None:
    """Find one user, one item and all figures of the demo shop's run; every result has rows."""
    query_warehouse(settings, _run_all)


def _run_all(connection: Connection) -> None:
    choices = publications.publications(connection)
    [current] = [row[0] for row in choices.rows if row[3]]
    assert choices.rows[0][0] == current
    assert publications.attempts(connection)
    assert publications.gate_decisions(connection, current)
    assert publications.ledger(connection)

    known_users = users.find_users(connection, current, "user-")
    assert len(known_users) == users.MAX_RESULTS
    recommendations = {user: users.recommendations_of(connection, current, user) for user in known_users[:5]}
    assert all(
        result.column("title") and set(result.column("domain")) >= {"films"} for result in recommendations.values()
    )
    personal = [user for user, result in recommendations.items() if set(result.column("source")) == {"personal"}]
    history = users.user_history(connection, personal[0], 1000)
    # A reason item is one of the user's own items, by the same title.
    assert set(recommendations[personal[0]].column("because_of")) <= set(history.column("title"))
    assert users.popular_items(connection, current)

    item_id, title, _domain = items.find_items(connection, "").rows[0]
    assert title != item_id
    assert items.similar_items(connection, current, item_id)
    spaces = {each.name: each.items for each in item_vectors.spaces(connection, current)}
    sample = item_vectors.read_sample(connection, current, item_vectors.EMBEDDINGS, 1000)
    assert len(sample.item_ids) == min(spaces[item_vectors.EMBEDDINGS], 1000)
    kinds = item_map.feature_kinds(connection, current)
    assert item_map.values_of(connection, current, kinds[0])
    assert set(sample.item_ids) <= set(item_map.titles(connection))
    assert quality.available_metrics(connection)
    assert quality.metric_over_time(connection, "recall", "all", 10)
    assert len(quality.indices(connection).rows) == 2
    assert clicks.exposed_domains(connection)
    assert clicks.by_variant(connection, "")
    assert clicks.by_date(connection, "films")
    assert clicks.by_rank(connection, "films")
