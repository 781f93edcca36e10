from pathlib import Path

from nightjar.contract.errors import BadInput
from nightjar.stack.paths import StackPaths, make_private_folder
from tests.support.refusals import refused


def test_the_sockets_of_a_shallow_home_lie_in_it() -> None:
    paths = StackPaths(Path("/srv/nightjar"))
    assert paths.supervisor_socket == Path("/srv/nightjar/stack/supervisor.sock")
    assert paths.database_socket_folder == Path("/srv/nightjar/postgres")


def test_the_sockets_of_a_deep_home_have_short_paths_of_their_own() -> None:
    homes = [StackPaths(Path("/" + name * 100)) for name in "ab"]
    sockets = {path for home in homes for path in (home.supervisor_socket.parent, home.database_socket_folder)}
    assert len(sockets) == 4
    assert all(len(str(path / ".s.PGSQL.5432.lock")) < 104 for path in sockets)


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    owner = elsewhere.stat().st_uid
    with refused(BadInput, "owned_by_another_user", wording=False, path=tmp_path / "link", expected=owner):
        make_private_folder(tmp_path / "link", owner)
