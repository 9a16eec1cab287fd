"""`make run` and `make reset`, as a person at a terminal meets them."""

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
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from memorychat.lib import localpg
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


def launch(command: str, data_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "memorychat.lib.launcher", command],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(data_dir), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_taken_port_is_said_in_one_sentence(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = launch("run", data_dir, PORT=str(port))

    assert refused.returncode == 2
    assert refused.stderr == (
        f"PORT: {port} on 127.0.0.1 cannot be used (Address already in use); choose another, such as PORT={port + 1}.\n"
    )


def test_an_address_of_another_machine_is_said_in_one_sentence(data_dir: Path, port: int) -> None:
    refused = launch("run", data_dir, HOST="no such host", PORT=str(port))

    assert (refused.returncode, refused.stderr) == (2, "HOST: no such host is not an address of this machine.\n")


def test_a_data_dir_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path, port: int) -> None:
    (tmp_path / "file").touch()

    refused = launch("run", tmp_path / "file" / "data", PORT=str(port))

    assert refused.returncode == 2
    assert refused.stderr == f"DATA_DIR: {tmp_path}/file/data cannot be written (Not a directory).\n"


def test_bad_variables_are_all_named_at_once(data_dir: Path) -> None:
    refused = launch("run", data_dir, PORT="http", DEBUG="maybe", REDIS_URL="nowhere")

    assert refused.returncode == 2
    assert [line.partition(":")[0] for line in refused.stderr.splitlines()] == ["PORT", "REDIS_URL", "DEBUG"]
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


def test_a_folder_that_is_not_ours_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis").touch()

    refused = launch("reset", tmp_path, YES="1")

    assert refused.returncode == 2
    assert (tmp_path / "thesis").exists()


def test_the_data_are_deleted_after_a_yes_alone(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "secret_key").touch()

    asked = launch("reset", data_dir, YES="")
    assert asked.returncode == 2
    assert data_dir.exists()

    assert launch("reset", data_dir, YES="1").returncode == 0
    assert not data_dir.exists()


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
