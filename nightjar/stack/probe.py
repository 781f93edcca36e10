"""Checks the health of a server: `python -m nightjar.stack.probe URL [PART]` exits with 0 or 1.

The health check of containers and of processes. It runs every few seconds for every server, so it imports only
the standard library.
"""

import json
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener


def response_body(url: str) -> bytes | None:
    """Return a server's response body, or None while it does not respond with 200."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=5) as response:
            body: bytes = response.read()
    except (URLError, OSError):
        return None
    return body


def is_healthy(url: str, part: str = "") -> bool:
    """Return whether a server responds and, where a part is named, reports the part as healthy."""
    body = response_body(url)
    if body is None or not part:
        return body is not None
    status: object = json.loads(body).get(part, {}).get("status")
    return status == "healthy"


if __name__ == "__main__":
    sys.exit(0 if is_healthy(*sys.argv[1:3]) else 1)
