"""`make run` and `make reset`, as a person at a terminal meets them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from pytest_django import Settings

from memorychat.lib import launcher, localpg
from memorychat.lib.environment import ROOT

pytestmark = pytest.mark.setup


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module")
def kept_data_dir() -> Iterator[Path]:
    """One for all runs, where the server of root, too, can enter."""
    place = Path(tempfile.mkdtemp(prefix="set-up-"))
    place.chmod(0o711)
    yield place / "data"
    shutil.rmtree(place)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Ended:
    status: int | str | None
    said: str


@pytest.fixture
def launch(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ended]]:
    """Runs a command of the launcher here, and gives its exit status and what it said of errors."""
    before = {number: signal.getsignal(number) for number in launcher.STOP_SIGNALS}

    def launch(command: str, **variables: str) -> Ended:
        for name, value in {"DATA_DIR": str(data_dir), "PUBLIC_URL": "", **variables}.items():
            monkeypatch.setenv(name, value)
        try:
            status: int | str | None = launcher.COMMANDS[command]()
        except SystemExit as ended:
            status = ended.code
        return Ended(status, capsys.readouterr().err)

    yield launch
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_taken_port_is_said_in_one_sentence(launch: Callable[..., Ended]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = launch("run", PORT=str(port))

    assert refused == Ended(
        2,
        f"PORT: {port} on 127.0.0.1 cannot be used (Address already in use);"
        f" choose another, such as PORT={port + 1}.\n",
    )


def test_an_address_of_another_machine_is_said_in_one_sentence(launch: Callable[..., Ended], port: int) -> None:
    refused = launch("run", HOST="no such host", PORT=str(port))

    assert refused == Ended(2, "HOST: no such host is not an address of this machine.\n")


def test_a_data_dir_that_cannot_be_written_is_said_in_one_sentence(
    launch: Callable[..., Ended], tmp_path: Path, port: int
) -> None:
    (tmp_path / "file").touch()

    refused = launch("run", DATA_DIR=f"{tmp_path}/file/data", PORT=str(port))

    assert refused == Ended(2, f"DATA_DIR: {tmp_path}/file/data cannot be written (Not a directory).\n")


def test_bad_variables_are_all_named_at_once(launch: Callable[..., Ended], data_dir: Path) -> None:
    refused = launch("run", PORT="http", DEBUG="maybe", REDIS_URL="nowhere")

    assert refused.status == 2
    assert [line.partition(":")[0] for line in refused.said.splitlines()] == ["PORT", "REDIS_URL", "DEBUG"]
    assert not data_dir.exists()


def test_a_command_says_bad_variables_just_so(data_dir: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(data_dir), "PORT": "http"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1


def test_a_folder_that_is_not_ours_is_not_deleted(launch: Callable[..., Ended], data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "thesis").touch()

    assert launch("reset", YES="1").status == 2
    assert (data_dir / "thesis").exists()


@pytest.mark.parametrize(("answer", "deleted"), [("yes", True), ("no", False), ("", False)])
def test_the_data_are_deleted_after_a_yes_alone(
    launch: Callable[..., Ended], data_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: str, deleted: bool
) -> None:
    data_dir.mkdir()
    (data_dir / "secret_key").touch()
    monkeypatch.setattr("sys.stdin", StringIO(answer))

    assert launch("reset", YES="").status == (0 if deleted else 2)
    assert data_dir.exists() is not deleted


def test_nothing_to_delete_is_no_error(launch: Callable[..., Ended]) -> None:
    assert launch("reset", YES="1").status == 0


@pytest.mark.django_db
def test_before_it_starts_tables_keys_and_static_files_are_brought_up_to_date(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.STATIC_ROOT = tmp_path / "static"

    call_command("prepare")

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["migrations", "keys", "static"]
    assert (tmp_path / "static" / "css").is_dir()


@contextmanager
def ending(process: subprocess.Popen[str], *, after: float) -> Iterator[None]:
    """Ends a process group that takes longer than so many seconds."""
    timer = threading.Timer(after, os.killpg, [process.pid, signal.SIGTERM])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Run:
    """A `make run` in a process group of its own, as a terminal starts it."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.mark = uuid.uuid4().hex
        self.address = f"http://127.0.0.1:{port}"
        variables = {"DATA_DIR": str(data_dir), "PORT": str(port), "PUBLIC_URL": "", "MARK": self.mark}
        self.make = subprocess.Popen(
            ["make", "--no-print-directory", "run"],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until_ready(self) -> list[str]:
        steps = []
        assert self.make.stdout
        # A start that never says its address must not be waited for without end.
        with ending(self.make, after=120):
            for line in self.make.stdout:
                if " | " not in line:
                    steps.append(line.split(maxsplit=1))
                if line.startswith("ready"):
                    return [step[0] for step in steps] + [steps[-1][1].strip()]
        raise AssertionError(steps)

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("MARK") == self.mark
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGTERM, True), (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, True)],
)
def test_make_run_says_its_steps_and_leaves_nothing_behind(
    kept_data_dir: Path, port: int, number: signal.Signals, to_all: bool
) -> None:
    run = Run(kept_data_dir, port)
    try:
        *steps, address = run.read_until_ready()
        # Where requirements changed, they are installed first.
        assert steps[-6:] == ["environment", "database", "migrations", "keys", "static", "ready"]
        assert address == run.address
        with urllib.request.urlopen(f"{address}/health/ready") as answer:
            assert answer.status == 200
        assert len(run.processes()) > 4

        (os.killpg if to_all else os.kill)(run.make.pid, number)
        run.make.communicate(timeout=15)
    finally:
        for process in run.processes():
            process.kill()

    _wait_until_none_is_left(run)
    assert not localpg._runs(localpg._place(kept_data_dir))
    assert (kept_data_dir / "keys.json").stat().st_mode & 0o777 == 0o600


def _wait_until_none_is_left(run: Run) -> None:
    deadline = time.monotonic() + 5
    while run.processes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
