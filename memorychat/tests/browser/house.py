"""MemoryChat as `make run` starts it, with a data folder and a port of its own: to be lived in, stopped and killed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg

from memorychat.lib.environment import ROOT

# No test waits for so long unless something is broken, or the machine is very busy.
PATIENCE_SECONDS = 60
# Not even the log that says most says a word of a person.
WORDIEST = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json"}
UNSET = ("DATABASE_URL", "REDIS_URL", "KEYS_FILE", "PUBLIC_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL")


class House:
    """The launcher, web, worker and database of one data folder; what they log is gathered over all starts."""

    def __init__(self, **variables: str) -> None:
        # Short, since it becomes the path of a socket; open, since root's database runs as somebody else.
        self._folder = Path(tempfile.mkdtemp(prefix="mc-"))
        self._folder.chmod(0o711)
        self.data_dir = self._folder / "data"
        self._log = self._folder / "log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._mark = uuid.uuid4().hex
        own = {"DATA_DIR": str(self.data_dir), "PORT": str(port), "MARK": self._mark}
        self._environment = os.environ | dict.fromkeys(UNSET, "") | own | variables
        self._launcher: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._launcher is not None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._launcher = subprocess.Popen(
                [sys.executable, "-m", "memorychat.lib.launcher", "run"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self.is_ready)

    def stop(self) -> int:
        """As Ctrl-C does, and waits for the end."""
        self.ask_to_stop()
        return self.wait_for_the_end()

    def ask_to_stop(self) -> None:
        self._running.send_signal(signal.SIGTERM)

    def wait_for_the_end(self) -> int:
        status = self._running.wait(timeout=PATIENCE_SECONDS)
        self._launcher = None
        return status

    def kill(self, name: str) -> None:
        """`kill -9` of the processes whose command line holds the name."""
        _kill([each for each in self.processes() if _runs(each, name)])

    def kill_database(self) -> None:
        _kill(self._database_processes())

    def close(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        try:
            if self._launcher:
                self.stop()
        finally:
            _kill([*self.processes(), *self._database_processes()])
            shutil.rmtree(self._folder)

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def manage(self, *arguments: str) -> str:
        """What a command of manage.py says."""
        finished = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return finished.stdout

    def connect(self) -> psycopg.Connection:
        """To the database, as its superuser."""
        facts = self._facts
        return psycopg.connect(
            host=facts["socket"], port=facts["port"], user=facts["superuser"], dbname=facts["database"], autocommit=True
        )

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(statement, values).fetchall()

    def has_nothing_to_do(self) -> bool:
        """No job is in hand or due."""
        statement = "SELECT 1 FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        return not self.rows(f"{statement} AND coalesce(scheduled_at, now()) <= now()")

    def log(self) -> bytes:
        """All that was said to the terminal, and what PostgreSQL wrote down."""
        return self._log.read_bytes() + (Path(self._facts["data"]) / "server.log").read_bytes()

    def dump(self) -> bytes:
        facts = self._facts
        program = Path(facts["binaries"]) / "bin" / "pg_dump"
        where = ["--host", facts["socket"], "--port", str(facts["port"]), "--username", facts["superuser"]]
        return subprocess.run([program, *where, facts["database"]], capture_output=True, check=True).stdout

    def files(self) -> Iterator[bytes]:
        """Every file of the data folder as it lies on the disk, the database's pages and its write-ahead log too."""
        with self.connect() as connection:
            connection.execute("CHECKPOINT")
        for folder in {self.data_dir, Path(self._facts["data"])}:
            for path in folder.rglob("*"):
                if path.is_file():
                    yield path.read_bytes()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._launcher
        return self._launcher

    @property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.data_dir / "postgres.json").read_text())
        return facts

    def is_ready(self) -> bool:
        assert self._running.poll() is None, self._log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.address}/health/ready", timeout=5):
                return True
        except OSError:
            return False

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("MARK") == self._mark
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def _database_processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_of_our_database(process)]

    def _is_of_our_database(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and process.cwd() == self._facts["data"]
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            return False


def _runs(process: psutil.Process, name: str) -> bool:
    try:
        return any(name in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        # It has just ended by itself.
        return False


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
