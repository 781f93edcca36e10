"""How the explorer's server is started."""

import socket
from pathlib import Path

from pydantic import SecretStr

from nightjar.contract.errors import BadInput
from nightjar.contract.settings import Settings
from nightjar.explorer.server import APP, serve, server_command
from tests.support.refusals import refused


def test_the_command_listens_on_loopback_sends_no_statistics_and_has_no_secret(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        explorer_port=8777,
        postgres_password=SecretStr("canary"),
        postgres_analyst_password=SecretStr("canary"),
    )
    command = server_command(settings)
    assert command[1:5] == ["-m", "streamlit", "run", str(APP)]
    assert {"--server.address=127.0.0.1", "--server.port=8777", "--browser.gatherUsageStats=false"} <= set(command)
    assert "canary" not in " ".join(command)
    assert "--server.address=0.0.0.0" in server_command(settings, "0.0.0.0")


def test_no_table_can_be_saved_as_a_csv_whose_names_a_spreadsheet_would_run(tmp_path: Path) -> None:
    assert "--client.disableDataExport=true" in server_command(Settings(home=tmp_path))


def test_a_taken_port_names_its_setting(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with refused(BadInput, "port_in_use", wording=False, setting="NIGHTJAR_EXPLORER_PORT"):
            serve(Settings(home=tmp_path, explorer_port=port))


def test_a_home_without_a_warehouse_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with refused(BadInput, "no_warehouse", path=tmp_path / "warehouse.duckdb"):
        serve(Settings(home=tmp_path, explorer_port=port))
