"""honcho, with more patience: its own 5 s begin when the worker ends, and the web process needs 5 s for its replies."""

import io
import signal
import sys

from honcho import manager
from honcho.command import main

manager.KILL_WAIT = 8

if __name__ == "__main__":
    # A line and its end in one piece, whatever PYTHONUNBUFFERED says: the launcher writes to the same place.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, write_through=False)
    # It would end of this at once and leave its processes alone; the launcher ends it properly.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    main()
