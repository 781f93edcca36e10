"""Every question of the explorer, asked of a night that dbt and the stages made: their columns are really there."""

from nightjar.contract.settings import Settings
from nightjar.explorer import clicks, items, publications, quality, users
from nightjar.explorer.reading import read
from nightjar.warehouse.protocol import Connection


def check_answers(settings: Settings) -> None:
    """Find one user, one item and all figures of the demo shop's night; every answer has rows."""
    read(settings, _ask_all)


def _ask_all(connection: Connection) -> None:
    known = publications.publications(connection)
    [current] = [row[0] for row in known.rows if row[3]]
    assert known.rows[0][0] == current
    assert publications.attempts(connection)
    assert publications.gate_decisions(connection, current)
    assert publications.ledger(connection)

    known_users = users.users_beginning_with(connection, current, "user-")
    assert len(known_users) == users.FOUND
    lists = {user: users.lists_of(connection, current, user) for user in known_users[:5]}
    assert all(answer.column("title") and set(answer.column("domain")) >= {"films"} for answer in lists.values())
    personal = [user for user, answer in lists.items() if set(answer.column("source")) == {"personal"}]
    history = users.history_of(connection, personal[0], 1000)
    # The reason of a list is one of the user's own items, by the same title.
    assert set(lists[personal[0]].column("because_of")) <= set(history.column("title"))
    assert users.popular_lists(connection, current)

    item_id, title, _domain = items.items_called(connection, "").rows[0]
    assert title != item_id
    assert items.neighbours_of(connection, current, item_id)
    assert quality.measured(connection)
    assert quality.metric_over_time(connection, "recall", "all", 10)
    assert len(quality.indices(connection).rows) == 2
    assert clicks.domains_shown(connection)
    assert clicks.by_variant(connection, "")
    assert clicks.by_date(connection, "films")
    assert clicks.by_rank(connection, "films")
