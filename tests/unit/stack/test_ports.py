import socket

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.stack.ports import check_ports
from tests.support.refusals import refused


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.socket() as taken, socket.socket() as free:
        for each in (taken, free):
            each.bind(("127.0.0.1", 0))
        taken.listen()
        port, other = taken.getsockname()[1], free.getsockname()[1]
        free.close()
        with refused(BadInput, "port_in_use", wording=False, setting="NIGHTJAR_MLFLOW_PORT", value=port):
            check_ports(Settings(airflow_port=other, mlflow_port=port))


def test_two_servers_need_two_ports() -> None:
    with refused(BadInput, "repeated_port", setting="NIGHTJAR_MLFLOW_PORT", value=5001):
        check_ports(Settings(airflow_port=5001, mlflow_port=5001))
