"""Checks that the stack's ports are free before anything starts."""

import socket

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings, variable
from nightjar.stack.environment import LOOPBACK


def check_ports(settings: Settings) -> None:
    """Try to listen on each port.

    Raises:
        BadInput: one is in use; the message names it and its setting.
    """
    owner: dict[int, str] = {}
    for name, port in _ports(settings):
        if port in owner:
            raise BadInput(
                f"{owner[port]} and {name} are both {port}: give each server its own port",
                code="repeated_port",
                setting=name,
                value=port,
            )
        owner[port] = name
    for port, name in owner.items():
        check_port(name, port)


def check_port(name: str, port: int) -> None:
    """Try to listen on one port.

    Raises:
        BadInput: it is in use; the message names it and the setting `name`.
    """
    with socket.socket() as listener:
        # Connections of an earlier server that are still closing do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            raise BadInput(
                f"port {port} is in use: free it, or set {name} to another port",
                code="port_in_use",
                setting=name,
                value=port,
            ) from error


def _ports(settings: Settings) -> list[tuple[str, int]]:
    ports = [(variable(name), getattr(settings, name)) for name in ("airflow_port", "mlflow_port")]
    if settings.stack_kind == "team":
        ports += [
            (variable(name), getattr(settings, name))
            for name in ("postgres_port", "spark_master_port", "explorer_port")
        ]
        # The master's user interface, followed by those of the workers.
        ports += [
            (variable("spark_ui_port"), settings.spark_ui_port + each) for each in range(settings.spark_workers + 1)
        ]
    return ports
