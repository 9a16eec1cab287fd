"""Mail for a machine without a mail server: a file each, whose path the log shows."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.core.mail import EmailMessage
from django.core.mail.backends import filebased

logger = structlog.get_logger(__name__)


class FileBackend(filebased.EmailBackend):
    _get_filename: Any

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent = super().send_messages(email_messages)
        if sent:
            logger.info("mail_written", path=self._get_filename())
        return sent
