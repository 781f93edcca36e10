"""Asks a server whether it does its work: `python -m nightjar.stack.probe URL [PART]` ends with 0 or 1.

The health check of containers and of processes. It runs every few seconds beside every server, so it imports nothing
but the standard library.
"""

import json
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener


def answer(url: str) -> bytes | None:
    """Return what a server says, or nothing while it does not answer with 200."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=5) as response:
            found: bytes = response.read()
    except (URLError, OSError):
        return None
    return found


def is_healthy(url: str, part: str = "") -> bool:
    """Tell whether a server answers and, where a part is named, says of the part that its status is healthy."""
    said = answer(url)
    if said is None or not part:
        return said is not None
    status: object = json.loads(said).get(part, {}).get("status")
    return status == "healthy"


if __name__ == "__main__":
    sys.exit(0 if is_healthy(*sys.argv[1:3]) else 1)
