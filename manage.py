#!/usr/bin/env python
"""Django's commands. Each runs with a key ring, so that it can read what is encrypted."""

import os
import signal
import sys

from django.core.management import execute_from_command_line

from memorychat.lib.crypto import KeysError, key_ring
from memorychat.lib.environment import refuse
from memorychat.lib.localpg import LocalPostgresError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memorychat.settings")
    # Ended from outside, a command still gives back what it holds, the embedded database above all.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with key_ring():
            execute_from_command_line(sys.argv)
    except (KeysError, LocalPostgresError) as error:
        refuse(str(error))


if __name__ == "__main__":
    main()
