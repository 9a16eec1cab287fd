"""`make run` and `make reset`: everything from the database to the address, and back to nothing left behind."""

import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from memorychat.lib import localpg
from memorychat.lib.environment import ROOT, Environment, prepare_data_dir, read_environment, refuse

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  It is looked up here, not bound to.


class Stopped(BaseException):
    """Somebody asked for the end."""


def run() -> int:
    _listen_for_the_end()
    environment = read_environment()
    prepare_data_dir(environment.data_dir)
    _refuse_taken_port(environment)
    say("environment", f"Python {platform.python_version()} in {_short(Path(sys.prefix))}")
    try:
        _start_database(environment)
        _prepare()
        return _run_processes(environment)
    except Stopped:
        return 0
    except localpg.LocalPostgresError as error:
        refuse(str(error))
    finally:
        localpg.leave(environment.data_dir)


def reset() -> int:
    """Delete the data, after a yes."""
    environment = read_environment()
    data_dir = environment.data_dir
    if not data_dir.exists():
        say("reset", f"{data_dir} does not exist")
        return 0
    if not (data_dir / "secret_key").exists() and not (data_dir / "postgres.json").exists():
        refuse(f"DATA_DIR: {data_dir} holds nothing of MemoryChat, so it is not deleted.")
    if os.environ.get("YES") != "1" and _answer(f"Delete {data_dir} with all memories in it? Type yes: ") != "yes":
        refuse("Nothing was deleted.")
    try:
        localpg.erase(data_dir)
    except localpg.LocalPostgresError as error:
        refuse(str(error))
    shutil.rmtree(data_dir)
    say("reset", f"{data_dir} is deleted")
    return 0


def _answer(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""


def say(step: str, outcome: str) -> None:
    # In one piece, since honcho writes to the same terminal.
    sys.stdout.write(f"{step:<14}{outcome}\n")
    sys.stdout.flush()


def _listen_for_the_end() -> None:
    def stop(number: int, frame: FrameType | None) -> NoReturn:
        # Once is enough: what follows must not be cut short by a second one.
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def _refuse_taken_port(environment: Environment) -> None:
    host, port = environment.host, environment.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        refuse(f"HOST: {host} is not an address of this machine.")
    except OSError as error:
        refuse(f"PORT: {port} on {host} cannot be used ({error.strerror}); choose another, such as PORT={port + 1}.")


def _start_database(environment: Environment) -> None:
    if environment.database_url:
        say("database", "the one that DATABASE_URL names")
        return
    server = localpg.ensure(environment.data_dir)
    say("database", f"PostgreSQL {localpg.VERSION} in {_short(server.data)}")


def _prepare() -> None:
    finished = subprocess.run([sys.executable, "manage.py", "prepare"], cwd=ROOT, check=False)
    if finished.returncode:
        sys.exit(finished.returncode)


def _run_processes(environment: Environment) -> int:
    processes = _begin(environment)
    try:
        return _watch(processes, environment)
    except Stopped:
        processes.send_signal(signal.SIGTERM)
        processes.wait()
        return 0


def _begin(environment: Environment) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "memorychat.lib.processes", "start"]
    # honcho would let a .env file win over the environment, and count its own ports from the one of the web process.
    command += ["--env", os.devnull, "--procfile", "Procfile", "--port", str(environment.port)]
    if environment.log_format == "json":
        command.append("--no-prefix")
    variables = {"HOST": environment.host, "PUBLIC_URL": environment.address}
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | variables)


def _watch(processes: subprocess.Popen[bytes], environment: Environment) -> int:
    """Say the address as soon as it answers, and start the embedded database again if it dies."""
    announced = False
    while True:
        try:
            # A process that was killed has a negative status, which no exit status can be.
            return abs(processes.wait(timeout=1 if announced else 0.1))
        except subprocess.TimeoutExpired:
            if not announced and _answers(environment):
                announced = True
                say("ready", environment.address)
            if not environment.database_url and localpg.revive(environment.data_dir):
                say("database", "was gone and is started again")


def _answers(environment: Environment) -> bool:
    host = ANYWHERE.get(environment.host, environment.host)
    host = f"[{host}]" if ":" in host else host
    try:
        with urllib.request.urlopen(f"http://{host}:{environment.port}/health/live", timeout=1) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        # It answers, if only that it does not know this name for itself.
        return True
    except OSError:
        return False


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


COMMANDS: dict[str, Callable[[], int]] = {"run": run, "reset": reset}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]]())
