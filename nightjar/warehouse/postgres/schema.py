"""The tables of the contract as PostgreSQL declares them: types, keys, and which are partitioned by publication."""

from nightjar.contract.errors import BadInput
from nightjar.contract.tables import ALL_TABLES, SNAPSHOT, Table
from nightjar.warehouse.event_weights import fill_new_table
from nightjar.warehouse.protocol import Connection
from nightjar.warehouse.schema_migration import add_missing_columns, allow_nulls

# These hold by far the most rows of each publication.
PARTITIONED = (
    *("recommendations", "similar_items", "item_embeddings", "user_embeddings"),
    *(table.name for table in SNAPSHOT),
)
# Where the partitions of published tables lie: analysts read the tables that they are part of.
PARTITIONS = "recs_partitions"
# What init creates; dbt fills some of them.
SCHEMAS = ("raw", "staging", "intermediate", "core", "marts", "recs", "recs_staging", PARTITIONS)

_TYPES = {"double": "double precision"}


def is_partitioned(table: Table) -> bool:
    """Return whether each publication's rows are a partition of their own."""
    return table.schema in ("recs", "recs_staging") and table.name in PARTITIONED


def type_of(kind: str) -> str:
    """Return PostgreSQL's name of a type of the contract."""
    return _TYPES.get(kind, kind)


def column_definitions(table: Table) -> str:
    """Return the columns with their types, as `create table` takes them."""
    return ", ".join(
        f"{column.name} {type_of(column.type)}{'' if column.nullable else ' not null'}" for column in table.columns
    )


def check_initialised(connection: Connection) -> None:
    """Check that the database is a warehouse.

    Raises:
        BadInput: it is not.
    """
    found = connection.execute(
        "select count(*) from pg_class join pg_namespace n on n.oid = relnamespace "
        "where nspname = 'recs' and relname = 'current_publication'"
    ).fetchall()
    if found[0][0] == 0:
        raise BadInput(
            "the database (NIGHTJAR_POSTGRES_DATABASE) is no warehouse yet: run nightjar warehouse init",
            code="not_initialised",
            setting="NIGHTJAR_POSTGRES_DATABASE",
        )


def create_missing_tables(connection: Connection) -> None:
    """Create the tables and columns that do not exist, inside an exclusive transaction.

    Raises:
        BadInput: a schema is missing, or the tables are those of a version that cannot be upgraded.
    """
    schemas = {name for (name,) in connection.execute("select nspname from pg_namespace").fetchall()}
    if lacking := [name for name in SCHEMAS if name not in schemas]:
        raise BadInput(
            f"the database has no schema {', '.join(lacking)}: run nightjar warehouse init",
            code="not_initialised",
            setting="NIGHTJAR_POSTGRES_DATABASE",
            schemas=lacking,
        )
    existing = {tuple(row) for row in connection.execute("select schemaname, tablename from pg_tables").fetchall()}
    for table in ALL_TABLES:
        if (table.schema, table.name) not in existing:
            for statement in _create_statements(table):
                connection.execute(statement)
    add_missing_columns(connection, ALL_TABLES, type_of)
    allow_nulls(connection, ALL_TABLES)
    if ("raw", "event_weights") not in existing:
        fill_new_table(connection)


def _create_statements(table: Table) -> list[str]:
    # Staged or rejected rows may break their key: the audit, or a user, checks them.
    has_key = table.schema != "recs_staging" and table.name != "rejected_rows"
    nullable = {column.name for column in table.columns if column.nullable}
    # A primary key allows no null; a null is one value of its own here.
    kind = "unique nulls not distinct" if nullable.intersection(table.key) else "primary key"
    key = f", {kind} ({', '.join(table.key)})" if has_key else ""
    partitioned = " partition by list (publication_id)" if is_partitioned(table) else ""
    statements = [f"create table {table.full_name} ({column_definitions(table)}{key}){partitioned}"]
    if table.name == "current_publication":
        statements.append(f"create unique index one_current_publication on {table.full_name} ((true))")
    return statements
