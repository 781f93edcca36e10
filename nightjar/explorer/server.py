"""Starts the explorer's server, by default on loopback: it opens no browser and sends no usage statistics."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.explorer.warehouse_queries import query_warehouse
from nightjar.stack.environment import LOOPBACK
from nightjar.stack.ports import check_port

APP = Path(__file__).with_name("app.py")


def server_command(settings: Settings, host: str = LOOPBACK) -> list[str]:
    """Return the command; it holds no secret, the page reads the settings from the environment."""
    options = {
        "server.address": host,
        "server.port": str(settings.explorer_port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        # Error details go to the terminal: they may name files and hosts.
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        # Its CSV keeps a name such as =cmd|... as it is, which a spreadsheet would run as a formula.
        "client.disableDataExport": "true",
        "theme.base": "light",
        "theme.primaryColor": "#3b4cc0",
    }
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(APP),
        *(f"--{name}={value}" for name, value in options.items()),
    ]


def serve(settings: Settings, host: str = LOOPBACK) -> NoReturn:
    """Replace this process by the server on one address of this machine; it ends with Ctrl-C.

    Raises:
        BadInput: Streamlit is missing, the port is taken, or there is no warehouse that analysts can open.
        NightjarError: the warehouse does not answer.
    """
    if find_spec("streamlit") is None:
        raise BadInput(
            "Streamlit is not installed: make setup, or pip install 'nightjar[explorer]'",
            code="missing_package",
            package="streamlit",
        )
    check_port("NIGHTJAR_EXPLORER_PORT", settings.explorer_port)
    query_warehouse(settings, lambda connection: None)
    print(f"The explorer: http://{host}:{settings.explorer_port}  (Ctrl-C ends it)", flush=True)
    command = server_command(settings, host)
    os.execv(command[0], command)  # noqa: S606 a list of words
