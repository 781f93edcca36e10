"""Checks that the stack's ports are free before anything starts."""

import socket

from ml.stack.environment import LOOPBACK
from warehouse.errors import BadInput
from warehouse.settings import Settings


def check_ports(settings: Settings) -> None:
    """Try to listen on each port.

    Raises:
        BadInput: one is taken; the message names it and its setting.
    """
    ports = {"NIGHTJAR_AIRFLOW_PORT": settings.airflow_port, "NIGHTJAR_MLFLOW_PORT": settings.mlflow_port}
    if settings.airflow_port == settings.mlflow_port:
        raise BadInput(f"{' and '.join(ports)} are both {settings.airflow_port}: two servers need two ports")
    for variable, port in ports.items():
        with socket.socket() as listener:
            # Connections of an earlier stack that are still closing do not count.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((LOOPBACK, port))
            except OSError as error:
                raise BadInput(f"port {port} is in use: free it, or set {variable} to another port") from error
