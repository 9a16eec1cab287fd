"""honcho, with more patience: the web process gives running replies 5 s, and honcho's own 5 s begin when the worker ends."""

from honcho import manager
from honcho.command import main

manager.KILL_WAIT = 8

if __name__ == "__main__":
    main()
