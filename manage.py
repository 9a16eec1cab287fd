#!/usr/bin/env python
"""Django's commands. Each runs with a key ring, so that it can read what is encrypted."""

import os
import sys

from django.core.management import execute_from_command_line

from memorychat.lib.crypto import key_ring


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memorychat.settings")
    with key_ring():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
