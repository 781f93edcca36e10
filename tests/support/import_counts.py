"""What `nightjar import` printed of each table, as numbers."""

import re


def counts_of(output: str) -> dict[str, tuple[int, ...]]:
    """Return of each raw table how many rows were added, were there already, and were rejected."""
    lines = re.findall(r"^(raw\.\w+): (\d.*)$", output, re.MULTILINE)
    return {
        table: tuple(int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", line)) for table, line in lines
    }
