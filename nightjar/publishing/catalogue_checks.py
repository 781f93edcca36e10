"""Whether the raw tables hold an available item, and the domains that the settings name.

Checked on the raw tables before a run begins: facts and dimensions are built minutes later.
"""

from datetime import UTC, datetime

from nightjar.contract.errors import BadInput
from nightjar.contract.repeat_rule import Repeats
from nightjar.contract.settings import variable
from nightjar.warehouse.protocol import Connection

_FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
# An item that no row of raw.items describes yet is of this domain.
_DEFAULT = "default"
_DOMAINS = f"select distinct coalesce(nullif(trim(domain), ''), '{_DEFAULT}') from raw.items"  # noqa: S608 the module's own constants
# As in dim_items: of each item the last version before the instant; one without a version is available once it has
# an event.
_VERSIONS = """
with versions as (
    select
        item_id, available_from, available_until,
        row_number() over (
            partition by item_id order by recorded_at desc, domain, title, available_from, available_until
        ) as place
    from raw.items where recorded_at < $as_of
)
"""
_AVAILABLE_VERSION = f"""
{_VERSIONS} select 1 from versions
where place = 1 and (available_from is null or available_from < $as_of)
    and (available_until is null or available_until >= $as_of) limit 1
"""  # noqa: S608 the module's own constants
_WITHOUT_VERSION = f"""
{_VERSIONS} select 1 from raw.interactions left join versions on interactions.item_id = versions.item_id
where interactions.occurred_at < $as_of and interactions.ingested_at <= $ingested_before and versions.item_id is null
limit 1
"""  # noqa: S608 the module's own constants


def check_any_is_available(connection: Connection, as_of: datetime, ingested_before: datetime | None) -> None:
    """Check that at least one item can be recommended at an instant.

    Raises:
        BadInput: none can.
    """
    if connection.execute(_AVAILABLE_VERSION, {"as_of": as_of}).fetchone():
        return
    visible = {"as_of": as_of, "ingested_before": ingested_before or _FAR_FUTURE}
    if not connection.execute(_WITHOUT_VERSION, visible).fetchone():
        raise BadInput(
            f"raw.items holds no item that is available at {as_of}: nothing to publish; expected one whose "
            "last version has no available_from from then on and no available_until before: import such versions",
            code="no_available_items",
            table="raw.items",
            as_of=as_of,
        )


def check_repeats(connection: Connection, repeats: Repeats) -> None:
    """Check that the setting names domains that items have or had: a misspelt one would have no effect.

    Raises:
        BadInput: one is not; names it and those that there are.
    """
    if repeats.allows_none:
        return
    known = {_DEFAULT, *(domain for (domain,) in connection.execute(_DOMAINS).fetchall())}
    if unknown := repeats.unknown_domains(known):
        raise BadInput(
            f"{variable('repeat_after_days')} names the domain {', '.join(map(repr, unknown))}, which no item of "
            f"raw.items has: expected one of {', '.join(sorted(known))}, or * for every other",
            code="unknown_domains",
            setting=variable("repeat_after_days"),
            domains=list(unknown),
            expected=sorted(known),
        )
