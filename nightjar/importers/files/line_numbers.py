"""Gives every row of a text file the number of its line, although the reader leaves out lines that are no rows."""

import duckdb


def number_lines(connection: duckdb.DuckDBPyConnection, name: str, first_line: int, skipped: str) -> str:
    """Return SQL for the rows of `name_rows` with their `line`.

    Without skipped lines row k is line k + first_line - 1. The j-th skipped line s moves all rows on by one, from the
    row that would otherwise be line s - (j - 1): the table `name_moved` keeps that place and the lines to add from it.

    Args:
        connection: An open transaction.
        name: `name_rows` holds the rows with `ordinal`, their place in the file counted from 1.
        first_line: The line of the first row if none is skipped.
        skipped: A select of the lines that are no rows.
    """
    connection.execute(
        f"""create temp table {name}_moved as
        select line - nth + 1 as place, max(nth) as lines
        from (select line, row_number() over (order by line) as nth from ({skipped}))
        group by all"""
    )
    unmoved = f"select *, ordinal + {first_line - 1} as line from {name}_rows"
    if not connection.execute(f"select 1 from {name}_moved limit 1").fetchone():
        return unmoved
    return f"""select counted.* replace (counted.line + coalesce(moved.lines, 0) as line)
        from ({unmoved}) as counted asof left join {name}_moved as moved on counted.line >= moved.place"""
