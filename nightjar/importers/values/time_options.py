"""Checks the options for times: format, unit and zone."""

import duckdb

from nightjar.contract.errors import BadInput
from nightjar.importers.read_options import ReadOptions
from nightjar.importers.values.time_instants import EXCEL


def check_time_options(connection: duckdb.DuckDBPyConnection, options: ReadOptions) -> None:
    """Check the options for times.

    Raises:
        BadInput: a directive or a zone does not exist, or format and unit are both given.
    """
    if options.time_format is not None and options.time_unit is not None:
        raise BadInput(
            f"--time-format {options.time_format} and --time-unit {options.time_unit} exclude each other: a format is"
            " for texts, a unit for numbers; give one of them",
            code="conflicting_options",
            options=["--time-format", "--time-unit"],
        )
    if options.time_format is not None and options.time_format != EXCEL:
        try:
            connection.execute("select try_strptime('', $1)", [options.time_format])
        except duckdb.Error as error:
            raise BadInput(
                f"--time-format {options.time_format!r} is none ({str(error).splitlines()[0]}): expected directives of"
                f" strptime such as %d/%m/%Y %H:%M, or {EXCEL}",
                code="invalid_time_format",
                option="--time-format",
                value=options.time_format,
            ) from error
    zone = options.time_zone
    known = "select 1 from pg_timezone_names() where name = $1"
    if zone is not None and not connection.execute(known, [zone]).fetchone():
        raise BadInput(
            f"--time-zone {zone!r} is no time zone: expected an IANA name such as Europe/Berlin",
            code="unknown_time_zone",
            option="--time-zone",
            value=zone,
        )
