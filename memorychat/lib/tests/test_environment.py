import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from memorychat.lib import environment
from memorychat.lib.environment import Environment, complaints


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setitem(Environment.model_config, "env_file", None)


def test_nothing_has_to_be_set() -> None:
    found = Environment()

    assert found.data_dir == environment.ROOT / ".data"
    assert found.address == "http://127.0.0.1:8000"


def test_every_bad_variable_is_named_at_once_and_none_of_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {
        "PORT": "70000",
        "DEBUG": "perhaps",
        "LOG_LEVEL": "loud",
        "PUBLIC_URL": "example.org",
        "DATABASE_URL": "mysql://root:hunter2@db/x",
        "SECRET_KEY": "hunter2",
        "TRUSTED_PROXIES": "10.0.0.0/8,elsewhere",
        "LLM_PROVIDERS": "openai,oracle",
        "MEMORY_DUPLICATE_SAME": "1.5",
        "MEMORY_CONFIDENCE_ASK": "0.9",
        "EMBEDDING_DIMENSIONS": "3072",
    }
    for name, value in bad.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refused:
        Environment()

    sentences = complaints(refused.value)
    assert {sentence.partition(":")[0] for sentence in sentences} == set(bad)
    assert not any(word in sentence for sentence in sentences for word in ("hunter2", "mysql", "elsewhere", "perhaps"))


@pytest.mark.parametrize(("name", "value"), [("MEMORY_CONFIDENCE_ASK", "0.9"), ("MEMORY_CONFIDENCE_AUTO", "0.3")])
def test_thresholds_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refused:
        Environment()

    assert complaints(refused.value) == ["MEMORY_CONFIDENCE_ASK: must not be above MEMORY_CONFIDENCE_AUTO."]


def test_bad_variables_end_the_process_with_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "eight thousand")

    with pytest.raises(SystemExit) as ended:
        environment.read_environment()

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("PORT: ")


def test_the_example_names_every_variable_and_no_other() -> None:
    example = (environment.ROOT / ".env.example").read_text()

    named = re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Environment.model_fields)


def test_what_the_example_shows_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    example = (environment.ROOT / ".env.example").read_text()
    for name, value in re.findall(r"^#([A-Z_]+)=(.*)$", example, re.MULTILINE):
        monkeypatch.setenv(name, value)

    Environment()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "one.example, two.example,")

    assert Environment().allowed_hosts == ["one.example", "two.example"]


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")

    assert Environment().port == 8000
    assert Environment().openai_api_key is None


def test_a_secret_may_come_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-a-file\n")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))

    key = Environment().openai_api_key

    assert key
    assert key.get_secret_value() == "sk-from-a-file"


def test_the_variable_itself_goes_before_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-a-file")
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-plain")

    key = Environment().openai_api_key

    assert key
    assert key.get_secret_value() == "sk-plain"


def test_a_secret_file_that_cannot_be_read_is_a_bad_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY_FILE", str(tmp_path / "missing"))

    with pytest.raises(ValidationError) as refused:
        Environment()

    assert complaints(refused.value)[0].startswith("OPENAI_API_KEY: the file that is named for it cannot be read")


def test_only_secrets_come_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9000")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))

    assert Environment().port == 8000


def test_the_dotenv_file_gives_way_to_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8100\nHOST=::1\n")
    monkeypatch.setitem(Environment.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setenv("PORT", "8200")

    assert Environment().address == "http://[::1]:8200"


def test_an_address_to_listen_on_everywhere_is_shown_as_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")

    assert Environment().address == "http://localhost:8000"


def test_the_signing_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = environment.secret_key(tmp_path)

    assert len(first) >= 50
    assert environment.secret_key(tmp_path) == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_data_dir_that_cannot_be_made_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SystemExit) as ended:
        environment.prepare_data_dir(tmp_path / "file" / "data")

    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
