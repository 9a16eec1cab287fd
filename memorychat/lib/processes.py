"""honcho, with more patience: its own 5 s begin when the worker ends, and the web process needs 5 s for its replies."""

from honcho import manager
from honcho.command import main

manager.KILL_WAIT = 8

if __name__ == "__main__":
    main()
