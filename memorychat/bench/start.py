"""From `make run` to the address: on a fresh clone, and again."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from memorychat.bench.report import line
from memorychat.lib.environment import ROOT

LONGEST = 600


def run() -> Iterator[str]:
    yield "Start: make run until it says its address (the package index and its cache are part of the first figure)"
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        # A database server that runs as nobody must find its way to the data.
        Path(folder).chmod(0o755)
        yield line("cold, from a clone with nothing installed", f"{_start(clone):6.1f} s")
        yield line("warm, everything there", f"{_start(clone):6.1f} s")


def _start(clone: Path) -> float:
    started = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    process = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=environment | {"PORT": str(_free_port())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        for told in process.stdout or ():
            if told.startswith("ready"):
                return time.perf_counter() - started
            if time.perf_counter() - started > LONGEST:
                break
        raise RuntimeError("make run did not come to its address.")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
