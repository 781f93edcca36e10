"""Two weeks of a small shop, laid by hand into what analysts read: enough to look at, the same every time."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

from nightjar.warehouse.protocol import Connection
from tests.support.insert_rows import lay_row, run_script

DOMAINS = ("books", "films", "games")
DATES = [date(2026, 3, 18) + timedelta(days=day) for day in range(14)]
PUBLICATIONS = [f"{day}.1" for day in DATES]
CURRENT = PUBLICATIONS[-1]
USERS = [f"user-{number:02d}" for number in range(1, 9)]
_FIRST = ("Quiet", "Bright", "Hollow", "Silent", "Golden", "Restless", "Velvet", "Northern")
_SECOND = ("Harbour", "Cipher", "Dynasty", "Verdict")
ITEMS = {
    f"{domain[:-1]}-{place:02d}": (f"The {first} {second}", domain)
    for domain in DOMAINS
    for place, (first, second) in enumerate(product(_FIRST, _SECOND))
    if place % 3 == DOMAINS.index(domain)
}
_BY_DOMAIN = {domain: [each for each, (_, of) in ITEMS.items() if of == domain] for domain in DOMAINS}

# What dbt builds, with the columns that analysts' pages read.
_BUILT = """
    create table marts.item_titles (item_id text, title text, domain text);
    create table marts.item_vectors (item_id text, kind text, vector real[], dimension integer, recorded_at timestamptz,
        valid_from timestamptz, valid_to timestamptz);
    create table marts.item_features (item_id text, feature text, weight double precision, valid_from timestamptz,
        valid_to timestamptz);
    create table marts.user_events (event_id text, user_id text, item_id text, title text, domain text,
        event_type text, value double precision, occurred_at timestamptz, event_date date);
    create table marts.recommendation_ctr_daily (exposure_date date, publication_id text, variant text, source text,
        domain text, rank integer, exposures bigint, clicks bigint, conversions bigint);
    create table recs.night_outcomes (publication_id text, data_date date, outcome text, is_current boolean,
        recommendation_rows bigint, recall double precision, refused_by text, is_changed boolean, rows_changed bigint,
        reason text, started_at timestamptz);
"""


def lay_built_tables(connection: Connection) -> None:
    """Create, empty, what dbt builds of what the explorer reads."""
    run_script(connection, _BUILT)


def lay_fortnight(connection: Connection) -> None:
    """Lay fourteen runs into the existing tables: metrics, indices, clicks, and the recommendations of the last one."""
    for item_id, (title, domain) in ITEMS.items():
        _insert(connection, "marts.item_titles", item_id, title, domain)
    _lay_vectors(connection)
    for day, (data_date, publication_id) in enumerate(zip(DATES, PUBLICATIONS, strict=True)):
        _lay_run(connection, day, data_date, publication_id)
    connection.execute(
        "insert into recs.current_publication values (?, ?, ?, ?)", [CURRENT, DATES[-1], len(DATES), _at(DATES[-1], 26)]
    )
    _lay_recommendations(connection)
    _lay_events(connection)


def _lay_vectors(connection: Connection) -> None:
    """Lay a vector and a feature of each item, and the embeddings of the last run: a direction for each domain."""
    since = _at(DATES[0], -24)
    for place, (item_id, (_, domain)) in enumerate(ITEMS.items()):
        _insert(connection, "marts.item_vectors", item_id, "clip", [1.0, float(place)], 2, since, since, None)
        _insert(connection, "marts.item_features", item_id, f"genre:{'ABC'[place % 3]}", 1.0, since, None)
        embedding = [float(domain == each) for each in DOMAINS] + [place / 100, place % 4 / 10]
        row = {"publication_id": CURRENT, "data_date": DATES[-1], "item_id": item_id, "embedding": embedding}
        lay_row(connection, "recs.item_embeddings", row | {"bias": 0.0, "source": "trained"})


def _lay_run(connection: Connection, day: int, data_date: date, publication_id: str) -> None:
    ids = {"publication_id": publication_id, "data_date": data_date}
    is_current = publication_id == CURRENT
    outcome, moved = "published", _at(data_date, 26)
    _insert(
        connection,
        "recs.night_outcomes",
        *(publication_id, data_date, outcome, is_current, 240, 0.18 + day / 500, None, None, None),
        *("publish=auto: all gates passed", moved),
    )
    entry = {"ledger_id": day + 1, "as_of": _at(data_date, 24), "action": outcome, "recorded_at": moved}
    entry |= {"previous_publication_id": PUBLICATIONS[day - 1] if day else None, "reason": "publish=auto"}
    entry |= dict.fromkeys(("model_uri", "mlflow_run_id", "content_hash", "code_version"), "x")
    lay_row(connection, "recs.publications", ids | entry | {"recommendation_rows": 240, "actor": "nightly"})
    for model, metric, value in (
        ("nightjar", "recall", 0.18 + day / 500 + (day % 3) / 200),
        ("champion", "recall", 0.178 + day / 500),
        ("popularity", "recall", 0.13 + (day % 4) / 300),
        ("nightjar", "coverage", 0.8 + (day % 5) / 100),
        ("popularity", "coverage", 0.1),
        ("lightfm", "recall", 0.17 + day / 600),
        ("ease", "recall", 0.16 + day / 500),
    ):
        row = {"model": model, "slice": "all", "metric": metric, "k": 10, "value": value, "users": 500 + day}
        lay_row(connection, "recs.model_metrics", ids | row)
    for place, name in enumerate(("retrieval", "similarity")):
        row = {"index_name": name, "uri": "u", "sha256": "s", "metric": "l2", "dim": 64, "item_count": 32, "m": 16}
        row |= {"ef_construction": 200, "ef": 64, "recall_k": 10, "recall": 0.999 - place / 1000 - day % 3 / 2000}
        latency = 0.02 + place / 500 + day % 4 / 1000
        lay_row(
            connection, "recs.index_manifest", ids | row | {"latency_p50_ms": latency, "latency_p95_ms": 2 * latency}
        )
    gate = {"gate": "popularity", "verdict": "passed", "decided_at": moved, "metric": "recall@10"}
    gate |= {"measured": 0.2, "threshold": 0.13, "lead_low": 0.05, "lead_high": 0.09}
    reason = "recall@10 0.2000 against 1 x popularity's 0.1300, lead +0.0500 to +0.0900; 500 users"
    lay_row(connection, "recs.gate_decisions", ids | gate | {"reason": reason})
    for (variant, base_clicks), rank in product((("control", 30), ("nightjar", 60)), range(1, 6)):
        clicks = base_clicks // rank + (day * rank) % 7
        figures = (data_date, publication_id, variant, "personal", "films", rank, 500, clicks, clicks // 3)
        _insert(connection, "marts.recommendation_ctr_daily", *figures)


def _lay_recommendations(connection: Connection) -> None:
    ids = {"publication_id": CURRENT, "data_date": DATES[-1]}
    for (place, user_id), domain in product(enumerate(USERS), DOMAINS):
        items = _BY_DOMAIN[domain]
        for rank in range(1, 6):
            row = {"user_id": user_id, "domain": domain, "rank": rank, "item_id": items[(place + rank) % len(items)]}
            row |= {"score": 3.0 - rank / 2, "source": "personal", "reason_item_id": _BY_DOMAIN["films"][place]}
            row |= {"contributions": f'{{"lightfm":{2.0 - rank / 4},"ease":{1.0 - rank / 4}}}'}
            lay_row(connection, "recs.recommendations", ids | row)
    for item_id, domain, rank in product(ITEMS, DOMAINS, range(1, 6)):
        others = [each for each in _BY_DOMAIN[domain] if each != item_id]
        row = {"item_id": item_id, "target_domain": domain, "rank": rank, "similarity": 1 - rank / 10}
        lay_row(connection, "recs.similar_items", ids | row | {"similar_item_id": others[rank]})
    for domain, rank in product(DOMAINS, range(1, 6)):
        row = {
            "segment": "all",
            "domain": domain,
            "rank": rank,
            "item_id": _BY_DOMAIN[domain][rank],
            "score": 90 / rank,
        }
        lay_row(connection, "recs.popular_items", ids | row)


def _lay_events(connection: Connection) -> None:
    kinds = ("view", "view", "add_to_cart", "purchase")
    for (place, user_id), number in product(enumerate(USERS), range(12)):
        item_id = _BY_DOMAIN[DOMAINS[number % 3]][(place + number) % 10]
        title, domain = ITEMS[item_id]
        at = _at(DATES[-1], 20) - timedelta(hours=7 * number, minutes=place)
        event = (f"{user_id}-{number}", user_id, item_id, title, domain, kinds[number % 4], None, at, at.date())
        _insert(connection, "marts.user_events", *event)


def _insert(connection: Connection, table: str, *values: object) -> None:
    connection.execute(f"insert into {table} values ({', '.join('?' * len(values))})", list(values))


def _at(day: date, hours: int) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
