from pathlib import Path

from django.core.mail import EmailMessage
from structlog.testing import capture_logs

from memorychat.lib.mail import FileBackend


def test_mail_is_written_to_a_file_and_the_log_says_which(tmp_path: Path) -> None:
    message = EmailMessage("Subject", "Body", "from@example.org", ["to@example.org"])

    with capture_logs() as lines:
        FileBackend(file_path=str(tmp_path)).send_messages([message])

    assert [line["event"] for line in lines] == ["mail_written"]
    assert "Body" in Path(lines[0]["path"]).read_text()
    assert "example.org" not in str(lines)
