"""Cost of the readers' snapshot: `python -m benchmarks.readers_snapshot FOLDER EVENTS USERS ITEMS PUBLICATIONS`.

Creates a warehouse of random rows in the folder and writes the snapshot: whole, with nothing new, after a publication.
The figures are in docs/experiments/readers-snapshot.md.
"""

import sys
import time
from pathlib import Path

import duckdb

from nightjar.warehouse.duckdb.adapter import DuckDBWarehouse

_FACTS = """
    create schema if not exists core;
    create schema if not exists marts;
    create table core.fct_interactions as
        select md5(cast(n as text)) as event_id, 'user-' || cast(random() * $users as bigint) as user_id,
            'item-' || cast(pow(random(), 3) * $items as bigint) as item_id, 'view' as event_type,
            cast(null as double) as value, timestamptz '2026-01-01' + to_seconds(random() * 180 * 86400) as occurred_at,
            timestamptz '2026-08-01' as ingested_at, date '2026-01-01' + cast(random() * 180 as integer) as event_date
        from range($events) as t (n);
    insert into raw.interactions
        select event_id, user_id, item_id, event_type, value, occurred_at, ingested_at from core.fct_interactions;
    create table core.dim_items as
        select 'item-' || n as item_id, 'films' as domain, 'The title of ' || n as title from range($items) as t (n);
    create view marts.item_titles as select * from warehouse.core.dim_items;
"""
_PUBLICATION = """
    insert into recs.recommendations
        select $id, $day, 'user-' || u, 'films', k, 'item-' || cast(random() * $items as bigint), random(), 'personal',
            'item-' || cast(random() * $items as bigint)
        from range($users) as a (u), range(1, 11) as b (k);
    insert into recs.similar_items
        select $id, $day, 'item-' || i, 'films', k, 'item-' || cast(random() * $items as bigint), random()
        from range($items) as a (i), range(1, 11) as b (k);
    insert into recs.item_embeddings
        select $id, $day, 'item-' || i, [cast(random() as real) for x in range(64)], 0.1, 'trained'
        from range($items) as a (i);
    insert into recs.user_embeddings
        select $id, $day, 'user-' || u, [cast(random() as real) for x in range(64)], 0.1, 'trained'
        from range($users) as a (u);
    insert into recs.publications
        select $number, $id, $day, now(), 'published', null, 'm', 'r', md5($id), 1, 'v', 'a', 'r', now();
    delete from recs.current_publication;
    insert into recs.current_publication select $id, $day, $number, now()
"""


def execute(path: Path, script: str, **values: object) -> None:
    """Run the statements of a script on the warehouse, each with the values that it names."""
    with duckdb.connect(str(path)) as connection:
        for statement in script.split(";\n"):
            given = {name: value for name, value in values.items() if f"${name}" in statement}
            connection.execute(statement, given)


def publish(path: Path, number: int, users: int, items: int) -> None:
    """Write one publication of ten recommendations a user and an item."""
    with duckdb.connect() as connection:
        [(day,)] = connection.execute("select date '2026-01-01' + ?", [number]).fetchall()
    execute(path, _PUBLICATION, number=number, id=f"{day}.1", day=day, users=users, items=items)


def measure(warehouse: DuckDBWarehouse, what: str) -> None:
    """Write the snapshot and print its cost."""
    started, cpu = time.monotonic(), time.process_time()
    written = warehouse.write_readers_snapshot()
    assert written is not None
    print(
        f"{what}: {time.monotonic() - started:.2f} s, {time.process_time() - cpu:.2f} s of processor time, "
        f"{written.size_bytes / 1e6:.1f} MB",
        flush=True,
    )


def main() -> None:
    """Create the warehouse and measure."""
    folder = Path(sys.argv[1])
    events, users, items, publications = (int(each) for each in sys.argv[2:])
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    warehouse.create_tables()
    execute(warehouse.path, _FACTS, events=events, users=users, items=items)
    for number in range(publications):
        publish(warehouse.path, number, users, items)
    print(f"warehouse: {warehouse.path.stat().st_size / 1e6:.1f} MB")
    measure(warehouse, "written whole")
    measure(warehouse, "nothing new")
    publish(warehouse.path, publications, users, items)
    measure(warehouse, "after a publication")


if __name__ == "__main__":
    main()
