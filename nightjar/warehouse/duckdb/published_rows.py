"""The tables and views of `published.duckdb`: which of the warehouse readers get, and the copy of what has changed.

It holds the schemas `recs` and `marts`, their views included, and of `core` and `raw` what these views and the reading
commands need. Of a large table only the publications, or event dates, that differ from the earlier file are copied.
"""

from collections.abc import Sequence

import duckdb

from nightjar.contract.failpoints import failpoint

# One row: when the file was written, and its publication.
ABOUT = "recs.readers_snapshot"
_SCHEMAS = ("recs", "marts")
_ALSO = (
    *("core.dim_items", "core.dim_item_features", "core.dim_users", "core.dim_user_features"),
    *("core.fct_interactions", "raw.event_weights"),
    # A view in the warehouse. Here it is a table, so that readers need neither raw vectors nor the views below it.
    "core.dim_item_vectors",
)
# Of these tables readers need the current publication only; one of these tables is larger than all other rows of a run.
_CURRENT_ONLY = ("recs.item_embeddings", "recs.user_embeddings")
_POINTER = "warehouse.recs.current_publication"
# Large tables by the column that their rows are compared and replaced by; the others are copied whole.
_PARTS = {
    "recs.recommendations": "publication_id",
    "recs.similar_items": "publication_id",
    "recs.popular_items": "publication_id",
    "recs.item_embeddings": "publication_id",
    "recs.user_embeddings": "publication_id",
    "core.fct_interactions": "event_date",
    "core.dim_item_vectors": "kind",
}
# What tells two states of a part apart, besides its number of rows. A publication's rows never change, but a restored
# warehouse may hold another publication of the same name.
_DIGESTS = {
    "publication_id": "(select max(content_hash) from {base}.recs.publications as p where p.publication_id = part)",
    "event_date": "bit_xor(hash(rows_of_part))",
    "kind": "bit_xor(hash(rows_of_part))",
}


def update(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Bring the attached database `published` up to date with `warehouse`; return the views that it cannot answer.

    Only the rows that differ are copied.
    """
    source, target = _tables(connection, "warehouse"), _tables(connection, "published")
    for schema in (*_SCHEMAS, "core", "raw"):
        connection.execute(f"create schema if not exists published.{schema}")
    _drop(connection, "view", _views(connection, "published"))
    _drop(connection, "table", [name for name in target if name not in source])
    # The ledger is what tells publications apart, so it comes last.
    for name in sorted(source, key=lambda each: each == "recs.publications"):
        if name in _PARTS and target.get(name) == source[name]:
            _copy_differing_parts(connection, name, _PARTS[name])
        else:
            copy = (
                f"create or replace table {_quoted_name('published', name)} as select * from {_rows_for_readers(name)}"
            )
            connection.execute(copy)
        failpoint("readers_snapshot:after_table")
    _write_about(connection)
    return _create_views(connection, _views(connection, "warehouse"))


def _copy_differing_parts(connection: duckdb.DuckDBPyConnection, name: str, part: str) -> None:
    target = _quoted_name("published", name)
    connection.execute(
        f"create or replace temp table differing as select coalesce(source.part, target.part) as part "
        f"from ({_parts_of(_rows_for_readers(name), part, 'warehouse')}) as source "
        f"full join ({_parts_of(target, part, 'published')}) as target on source.part = target.part "
        "where source.rows is distinct from target.rows or source.digest is distinct from target.digest"
    )
    connection.execute(f"delete from {target} where {part} in (select part from differing)")
    differing = f"select * from {_rows_for_readers(name)} where {part} in (select part from differing)"
    connection.execute(f"insert into {target} {differing}")


def _parts_of(relation: str, part: str, base: str) -> str:
    digest = _DIGESTS[part].format(base=base)
    return f"select {part} as part, count(*) as rows, {digest} as digest from {relation} as rows_of_part group by part"


def _rows_for_readers(name: str) -> str:
    """Return the rows of a table of the warehouse that readers get, as a relation."""
    source = _quoted_name("warehouse", name)
    if name not in _CURRENT_ONLY:
        return source
    return f"(select * from {source} where publication_id in (select publication_id from {_POINTER}))"


def _write_about(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        f"create or replace table published.{ABOUT} as "
        "select now() as written_at, pointer.publication_id, pointer.data_date, pointer.moved_at "
        f"from (select 1) as one left join {_POINTER} as pointer on true"
    )


def _create_views(connection: duckdb.DuckDBPyConnection, views: dict[str, str]) -> list[str]:
    """Create the views whose relations are there, in the order in which they read each other; return the others."""
    connection.execute("use published")
    left = dict(views)
    while left:
        made = [name for name, statement in left.items() if _is_created(connection, statement)]
        if not made:
            break
        left = {name: statement for name, statement in left.items() if name not in made}
    connection.execute("use memory")
    return sorted(left)


def _is_created(connection: duckdb.DuckDBPyConnection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except duckdb.ProgrammingError:
        # It reads what is not here, or, made by a person, what is not even in the warehouse any more.
        return False
    return True


def _tables(connection: duckdb.DuckDBPyConnection, base: str) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of each table that readers get, by `schema.name`, without the one about the file itself.

    A view that is a table for readers is one of them.
    """
    found = connection.execute(
        "select c.schema_name || '.' || c.table_name, c.column_name, c.data_type from duckdb_columns() as c "
        "left join duckdb_tables() as t on c.table_oid = t.table_oid and c.database_name = t.database_name "
        "and c.schema_name = t.schema_name where c.database_name = ? and "
        "(c.schema_name = any(?) and t.table_oid is not null or c.schema_name || '.' || c.table_name = any(?)) "
        "order by c.schema_name, c.table_name, c.column_index",
        [base, list(_SCHEMAS), list(_ALSO)],
    ).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for name, column, kind in found:
        tables.setdefault(name, []).append((column, kind))
    tables.pop(ABOUT, None)
    return tables


def _views(connection: duckdb.DuckDBPyConnection, base: str) -> dict[str, str]:
    """Return the statement of each view of the readers' schemas, by `schema.name`."""
    return dict(
        connection.execute(
            "select schema_name || '.' || view_name, sql from duckdb_views() "
            "where database_name = ? and schema_name = any(?) order by 1",
            [base, list(_SCHEMAS)],
        ).fetchall()
    )


def _drop(connection: duckdb.DuckDBPyConnection, kind: str, names: Sequence[str] | dict[str, str]) -> None:
    for name in names:
        connection.execute(f"drop {kind} {_quoted_name('published', name)}")


def _quoted_name(base: str, name: str) -> str:
    """Return `schema.name` of a catalogue, quoted: people may have made relations of their own beside target."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in (base, *name.split(".", 1)))
