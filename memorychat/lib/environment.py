"""The environment variables that MemoryChat reads, typed; every bad one is named at once."""

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource

ROOT = Path(__file__).resolve().parent.parent.parent
BAD_ENVIRONMENT = 2
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  Nothing is bound to here.


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that starts with http:// or https://")
    return value.rstrip("/")


def _from_root(path: Path) -> Path:
    return (ROOT / path.expanduser()).resolve()


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Networks = Annotated[list[IPv4Network | IPv6Network], NoDecode, BeforeValidator(_split)]


def _prices(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        named = [part.strip().rsplit("=", 1) for part in value.split(",") if part.strip()]
        return {name.strip(): tuple(price.split("/")) for name, price in named}
    except ValueError as error:
        raise ValueError("must be like gpt-4o-mini=0.15/0.60, separated by commas") from error


Price = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Environment(BaseSettings):
    """Relative paths are taken from the root of the project. Each secret may also come as NAME_FILE."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # Where it listens, where it keeps things, how it is reached
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    data_dir: Path = Path(".data")
    public_url: str = ""
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    email_url: SecretStr | None = None
    email_verification: Literal["mandatory", "optional", "none"] = "optional"

    # Keys and whom to trust
    secret_key: SecretStr | None = None
    keys_file: Path | None = None
    allowed_hosts: CommaSeparated = []
    csrf_trusted_origins: CommaSeparated = []
    trusted_proxies: Networks = []

    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    log_format: Literal["console", "json"] = "console"
    metrics_token: SecretStr | None = None
    worker_metrics_port: int | None = Field(None, ge=1, le=65535)

    # Models
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_model: str = "gpt-4o-mini"
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str | None = None
    anthropic_model: str = "claude-haiku-4-5"
    llm_providers: Annotated[list[Literal["openai", "anthropic", "builtin"]], NoDecode, BeforeValidator(_split)] = [
        "openai",
        "anthropic",
        "builtin",
    ]
    local_providers: CommaSeparated = []
    llm_temperature: float = Field(0.7, ge=0, le=2)
    llm_max_tokens: int = Field(1000, ge=1)
    # Of earlier messages that a model is given in full
    llm_history_tokens: int = Field(6000, ge=0)
    llm_timeout_seconds: float = Field(30, gt=0)
    # US dollars a million tokens: model=in/out, separated by commas
    llm_prices: Annotated[dict[str, tuple[Price, Price]], NoDecode, BeforeValidator(_prices)] = {}
    # What the answers to one person may use up in a day of theirs; 0 is no limit
    llm_tokens_per_day: int = Field(0, ge=0)
    llm_dollars_per_day: float = Field(0, ge=0)
    embedding_base_url: str | None = None
    embedding_api_key: SecretStr | None = None
    embedding_model: str | None = None
    # A row of the covering B-tree index holds no more than about 1,300 half-precision numbers.
    embedding_dimensions: int | None = Field(None, ge=1, le=1300)

    # Memory: how alike is the same, how near is looked at, how sure is written, how sure is asked
    memory_duplicate_same: Share = 0.92
    memory_duplicate_near: Share = 0.85
    memory_confidence_auto: Share = 0.7
    memory_confidence_ask: Share = 0.5
    # What a model decides to write; what exceeds it waits for its owner
    memory_writes_per_conversation: int = Field(10, ge=0)
    memory_writes_per_hour: int = Field(25, ge=0)
    # An episode is written of a conversation with so many messages of the person, or so many in all
    episode_own_messages: int = Field(8, ge=1)
    episode_all_messages: int = Field(15, ge=1)
    # Multiplies all limits of requests and writes; 0 switches them off
    rate_limit_scale: float = Field(1.0, ge=0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = _SecretFiles(settings_cls, env_settings, dotenv_settings)
        return init_settings, env_settings, files, dotenv_settings

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: object) -> object:
        if isinstance(value, _Unreadable):
            raise ValueError(f"the file that is named for it cannot be read: {value.path}")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("data_dir", "keys_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value and _from_root(value)

    @field_validator("public_url", "openai_base_url", "anthropic_base_url", "embedding_base_url")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        return value and _web_address(value)

    @field_validator("csrf_trusted_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        return [_web_address(origin) for origin in value]

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        return _with_scheme(value, "postgresql", "postgres")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        return _with_scheme(value, "redis", "rediss", "unix")

    @field_validator("email_url")
    @classmethod
    def _is_smtp(cls, value: SecretStr | None) -> SecretStr | None:
        return _with_scheme(value, "smtp", "smtps", "smtp+tls")

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 50:
            raise ValueError("must have 50 characters or more")
        return value

    # Of a field and not of the whole, which is looked at only when every field is right.
    @field_validator("memory_confidence_ask")
    @classmethod
    def _ask_before_auto(cls, value: float, info: ValidationInfo) -> float:
        if value > info.data.get("memory_confidence_auto", 1):
            raise ValueError("must not be above MEMORY_CONFIDENCE_AUTO")
        return value

    @property
    def address(self) -> str:
        """Where people reach it, without a slash at the end."""
        host = "localhost" if self.host in EVERYWHERE else f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


class _Unreadable:
    """Stands in for a secret whose file could not be read, so that it is reported with all else that is wrong."""

    def __init__(self, path: str) -> None:
        self.path = path


class _SecretFiles(PydanticBaseSettingsSource):
    """NAME_FILE holds the path of a file with the value of NAME, as container platforms hand over secrets."""

    def __init__(self, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._variables: dict[str, str | None] = {}
        for source in reversed(sources):
            if isinstance(source, EnvSettingsSource):
                self._variables.update(source.env_vars)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = self._variables.get(f"{field_name}_file") if _is_secret(field) else None
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError):
            return _Unreadable(path), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation == SecretStr | None


def _with_scheme(value: SecretStr | None, *schemes: str) -> SecretStr | None:
    if value and urlsplit(value.get_secret_value()).scheme not in schemes:
        raise ValueError(f"must start with {schemes[0]}://")
    return value


def complaints(error: ValidationError) -> list[str]:
    """One sentence for each bad variable, without its value: it may be a secret."""
    sentences = []
    for detail in error.errors(include_url=False, include_input=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else ""
        reason = detail["msg"].removeprefix("Value error, ").rstrip(".")
        sentences.append(f"{name}: {reason}.".removeprefix(": "))
    return list(dict.fromkeys(sentences))


def refuse(*sentences: str) -> NoReturn:
    """End the process as every set-up error ends it: plain sentences and exit status 2."""
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    sys.exit(BAD_ENVIRONMENT)


def read_environment() -> Environment:
    try:
        return Environment()
    except ValidationError as error:
        refuse(*complaints(error))


def prepare_data_dir(data_dir: Path) -> None:
    """Make the folder. Root leaves the way through it open, for the database that must run as somebody else."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        refuse(f"DATA_DIR: {data_dir} cannot be written ({error.strerror}).")


def secret_key(data_dir: Path) -> str:
    """The key that signs sessions, made on first use; of two processes that start at once one makes it."""
    path = data_dir / "secret_key"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=data_dir) as draft:
            draft.write(secrets.token_urlsafe(64))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text().strip()
