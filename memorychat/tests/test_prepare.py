from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from memorychat.lib.crypto import MasterKeys, key_ring

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("is_there", "reason"), [(False, "is missing"), (True, "is not the one")])
def test_a_start_without_the_right_keys_is_refused_in_one_sentence(
    alice: User, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], is_there: bool, reason: str
) -> None:
    assert alice.data_key_id
    settings.KEYS_FILE = tmp_path / "keys.json"
    if is_there:
        MasterKeys.create(settings.KEYS_FILE)
    with key_ring(), pytest.raises(SystemExit) as refused:
        call_command("prepare")
    assert refused.value.code == 2
    [sentence] = capsys.readouterr().err.strip().splitlines()
    assert reason in sentence
