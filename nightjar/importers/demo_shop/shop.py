"""Generates the demo shop and imports it through the same checks as a user's files.

Writes `raw.*`; used by `nightjar import demo-shop` and `make demo`. No clock is read: equal options give equal rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from nightjar.importers.column_matching import IMPORTABLE
from nightjar.importers.demo_shop.arrow_tables import instants
from nightjar.importers.demo_shop.catalogue import NEVER, Catalogue, make_catalogue
from nightjar.importers.demo_shop.customers import Customers, make_customers, user_feature_table, user_table
from nightjar.importers.demo_shop.events import interaction_table
from nightjar.importers.demo_shop.exposures import make_exposures
from nightjar.importers.demo_shop.item_features import item_feature_table
from nightjar.importers.demo_shop.shop_options import ShopOptions
from nightjar.importers.demo_shop.visits import make_events, make_visits
from nightjar.importers.demo_shop.vocabulary import DOMAINS
from nightjar.importers.import_source import ImportSource, define
from nightjar.importers.loading import ImportCount, load
from nightjar.importers.row_checks import check
from nightjar.warehouse.protocol import Warehouse


@dataclass(frozen=True)
class Shop:
    """A generated shop: the planted truth, and the rows of each raw table by the table's name without schema."""

    catalogue: Catalogue
    customers: Customers
    tables: dict[str, pa.Table]


def generate(options: ShopOptions) -> Shop:
    """Draw a shop."""
    rng = np.random.default_rng(options.seed)
    catalogue = make_catalogue(rng, options)
    customers = make_customers(rng, options)
    item_features = item_feature_table(rng, options, catalogue)
    user_features = user_feature_table(rng, customers)
    visits = make_visits(rng, options, customers)
    events = make_events(rng, options, customers, catalogue, visits)
    exposures, consequences = make_exposures(rng, options, customers, catalogue, visits)
    tables = {
        "interactions": interaction_table(
            rng, options.label, options.end, customers, catalogue, [*events, *consequences]
        ),
        "items": _item_table(catalogue),
        "item_features": item_features,
        "users": user_table(customers),
        "user_features": user_features,
        "exposures": exposures,
    }
    return Shop(catalogue, customers, tables)


def import_demo_shop(warehouse: Warehouse, options: ShopOptions) -> list[ImportCount]:
    """Generate a shop and import it in one transaction; importing it again adds nothing."""
    # The last events arrive up to 30 hours after they happened.
    return import_tables(warehouse, generate(options).tables, options.closes_at + timedelta(days=2))


def import_tables(warehouse: Warehouse, tables: Mapping[str, pa.Table], imported_at: datetime) -> list[ImportCount]:
    """Import generated rows, by the name of their raw table, in one transaction."""
    with warehouse.importing() as session:
        counts = []
        for name, rows in tables.items():
            source = _source(session.scratch, name, rows)
            check(session.scratch, source, imported_at)
            counts.append(load(session, source, imported_at))
        return counts


def _source(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> ImportSource:
    connection.register(f"shop_{name}", rows)
    values = ", ".join(f"cast({column} as varchar) as {column}" for column in rows.column_names)
    source = ImportSource(name, IMPORTABLE[name], ("demo-shop",), tuple(rows.column_names))
    return define(
        connection, source, f"select row_number() over () as line, null as content, {values} from shop_{name}"
    )


def _item_table(catalogue: Catalogue) -> pa.Table:
    """Return the versions of all items: the first when it appears, a second when its sale ends."""
    ended = np.flatnonzero(catalogue.available_until != NEVER)
    rows = np.concatenate([np.arange(len(catalogue.item_ids)), ended])
    is_first = np.arange(len(rows)) < len(catalogue.item_ids)
    until = catalogue.available_until[rows]
    return pa.table(
        {
            "item_id": catalogue.item_ids[rows],
            "domain": np.array(DOMAINS)[catalogue.domain[rows]],
            "title": catalogue.titles[rows],
            "available_from": instants(catalogue.available_from[rows]),
            "available_until": instants(until, is_missing=is_first),
            "recorded_at": instants(np.where(is_first, catalogue.available_from[rows], until)),
        }
    )
