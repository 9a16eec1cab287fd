"""honcho, with more patience: its own 5 s begin when the worker ends, and the web process needs 5 s for its replies."""

import signal

from honcho import manager
from honcho.command import main

manager.KILL_WAIT = 8

if __name__ == "__main__":
    # It would end of this at once and leave its processes alone; the launcher ends it properly.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    main()
