import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from memorychat.lib import localpg
from memorychat.lib.environment import ROOT
from memorychat.lib.localpg import Server

pytestmark = pytest.mark.setup

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")

USER = """
import sys, time
from pathlib import Path
from memorychat.lib import localpg
from memorychat.lib.environment import ROOT
server = localpg.ensure(Path(sys.argv[1]))
with server.connect("memorychat") as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS said (words text)") if sys.argv[2] == "0" else None
print("in", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can enter: pytest's own would send the server of root elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="localpg-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(localpg, "HOME_OF_ROOT", place / "home-of-root")
    folder = place / "data"
    folder.mkdir()
    yield folder
    localpg.leave(folder)


def another_user(data_dir: Path, number: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(data_dir), str(number)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until_in(user: subprocess.Popen[str]) -> None:
    assert user.stdout
    assert user.stdout.readline() == "in\n"


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("\n", timeout=30)
    assert user.returncode == 0


def as_application(server: Server) -> psycopg.Connection:
    return psycopg.connect(host=str(server.socket), user=localpg.ROLE, dbname=localpg.DATABASE, autocommit=True)


def postmaster(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_the_application_has_a_database_of_its_own_and_no_power_over_the_rest(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)

    with as_application(server) as connection:
        powers = "SELECT rolsuper, rolcreaterole, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(powers).fetchone() == (False, False, False, True)
        connection.execute("CREATE TABLE thing (place halfvec(3))")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY thing TO '/tmp/thing'")


def test_databases_that_the_application_makes_know_vectors(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)

    with as_application(server) as connection:
        connection.execute("CREATE DATABASE test_memorychat")
    with psycopg.connect(host=str(server.socket), user=localpg.ROLE, dbname="test_memorychat") as connection:
        assert connection.execute("SELECT '[1,2]'::halfvec <=> '[1,2]'::halfvec").fetchone() == (0.0,)


def test_nobody_reaches_the_server_but_by_its_socket(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)

    with server.connect() as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in ("listen_addresses", "jit")]
    assert shown == [("",), ("off",)]
    assert server.socket.stat().st_mode & 0o777 == 0o700
    assert server.data.stat().st_mode & 0o777 == 0o700


def test_a_failing_statement_leaves_none_of_its_values_in_the_log(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)

    with as_application(server) as connection:
        connection.execute("CREATE TABLE town (name text CHECK (length(name) < 3), UNIQUE (name))")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO town VALUES ('Porto')")
        connection.execute("INSERT INTO town VALUES ('Ur')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO town VALUES ('Ur')")

    logged = server.log.read_text()
    assert "town_name_check" in logged
    assert "Porto" not in logged
    assert "'Ur'" not in logged
    assert "(Ur)" not in logged


def test_the_folder_says_where_everything_is(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)

    facts = json.loads((data_dir / "postgres.json").read_text())
    assert (facts["socket"], facts["superuser"], facts["database"]) == (str(server.socket), "postgres", "memorychat")


def test_the_last_user_stops_the_server_and_no_other(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)
    other = another_user(data_dir)
    wait_until_in(other)

    localpg.leave(data_dir)
    assert server.is_up()

    leave(other)
    assert not server.is_up()


def test_two_processes_that_start_at_once_share_one_server(data_dir: Path) -> None:
    users = [another_user(data_dir, number) for number in range(2)]
    for user in users:
        wait_until_in(user)
    server = localpg.ensure(data_dir)
    with server.connect("memorychat") as connection:
        assert connection.execute("SELECT count(*) FROM said").fetchone() == (0,)

    for user in users:
        leave(user)
    assert server.is_up()


def test_a_killed_user_does_not_count_any_more(data_dir: Path) -> None:
    killed = another_user(data_dir)
    wait_until_in(killed)
    killed.kill()
    killed.communicate()

    server = localpg.ensure(data_dir)
    assert server.is_up()
    localpg.leave(data_dir)
    assert not server.is_up()


def test_a_killed_server_comes_back_with_all_that_was_committed(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)
    with as_application(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    os.kill(postmaster(server), signal.SIGKILL)
    _wait_for(lambda: not server.is_up())

    assert localpg.revive(data_dir)

    with as_application(server) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
    assert not localpg.revive(data_dir)


def test_a_server_killed_under_its_working_sessions_is_waited_for(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)
    orphan = as_application(server)
    orphan.execute("SET statement_timeout = 0")
    with orphan.cursor() as cursor:
        # A session that works does not see at once that its server is gone.
        cursor.connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 12000000)")
        time.sleep(0.1)
        os.kill(postmaster(server), signal.SIGKILL)
        time.sleep(0.1)
        localpg.revive(data_dir)

    assert server.is_up()
    orphan.close()


def test_the_pid_of_a_stranger_in_a_left_over_file_keeps_no_server_from_starting(data_dir: Path) -> None:
    server = localpg.ensure(data_dir)
    kept = (server.data / "postmaster.pid").read_text().splitlines()
    localpg.leave(data_dir)
    stranger = subprocess.Popen(["sleep", "60"], user=server.user)
    try:
        (server.data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *kept[1:]]) + "\n")

        assert localpg.ensure(data_dir).is_up()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_set_up_that_was_cut_short_begins_again(data_dir: Path) -> None:
    partial = data_dir / "postgres.partial"
    partial.mkdir(mode=0o700)
    (partial / "PG_VERSION").write_text("18\n")

    assert localpg.ensure(data_dir).is_up()
    assert not partial.exists()


def test_data_of_another_version_are_refused_in_a_sentence(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")

    with pytest.raises(localpg.LocalPostgresError, match="written by another version than PostgreSQL 18"):
        localpg.ensure(data_dir)


def test_a_long_path_moves_the_socket_into_a_closed_folder_of_the_temporary_directory(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(localpg, "HOME_OF_ROOT", place / "home-of-root")
    data_dir = place / ("long " * 20).strip() / "and, with 'signs'"
    data_dir.mkdir(parents=True)
    try:
        server = localpg.ensure(data_dir)

        assert server.data.is_relative_to(data_dir)
        assert server.socket.parent == Path(tempfile.gettempdir())
        assert server.socket.stat().st_mode & 0o777 == 0o700
        assert server.is_up()
    finally:
        localpg.leave(data_dir)


@pytest.mark.parametrize("sign", list('"$`\\\n'))
def test_a_path_that_a_shell_would_read_otherwise_is_refused(place: Path, sign: str) -> None:
    data_dir = place / f"a{sign}b"
    data_dir.mkdir()

    with pytest.raises(localpg.LocalPostgresError, match="cannot live in a folder"):
        localpg.ensure(data_dir)


def test_a_socket_folder_that_somebody_else_laid_out_is_refused(place: Path) -> None:
    trap = place / "trap"
    trap.symlink_to(place)

    with pytest.raises(localpg.LocalPostgresError, match="belongs to somebody else"):
        localpg._give(trap, None)


@as_root
def test_data_that_nobody_could_not_reach_are_kept_where_he_can(data_dir: Path) -> None:
    data_dir.chmod(0o700)

    server = localpg.ensure(data_dir)

    assert server.data.is_relative_to(localpg.HOME_OF_ROOT)
    assert psutil.Process(postmaster(server)).username() == "nobody"


@as_root
def test_data_are_found_again_after_their_folder_was_opened_or_moved(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    first = localpg.ensure(data_dir)
    localpg.leave(data_dir)
    data_dir.chmod(0o711)
    moved = data_dir.rename(data_dir.with_name("moved"))
    try:
        assert localpg.ensure(moved).data == first.data
    finally:
        localpg.leave(moved)


@as_root
def test_binaries_that_nobody_could_not_reach_are_copied(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    package = localpg._wheel().parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.setattr(localpg, "_wheel", lambda: closed / package.name / "pginstall18")

    server = localpg.ensure(data_dir)

    assert server.binaries.is_relative_to(localpg.HOME_OF_ROOT)
    assert server.is_up()


def test_data_in_use_are_not_erased(data_dir: Path) -> None:
    other = another_user(data_dir)
    wait_until_in(other)

    with pytest.raises(localpg.LocalPostgresError, match="stop it first"):
        localpg.erase(data_dir)

    leave(other)


@as_root
def test_erasing_takes_along_what_is_kept_elsewhere(data_dir: Path) -> None:
    data_dir.chmod(0o700)
    server = localpg.ensure(data_dir)
    localpg.leave(data_dir)

    localpg.erase(data_dir)

    assert not server.data.exists()


def _wait_for(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
