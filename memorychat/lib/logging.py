"""How log lines are written: structlog for all of it, coloured for a terminal or as JSON for a collector."""

import logging
import sys
import traceback
from typing import Any, Literal

import structlog
from psycopg import OperationalError
from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["console", "json"]


def configuration(*, level: str, form: Form) -> dict[str, Any]:
    """The value of Django's LOGGING. Also sets structlog up."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared(),
                "processors": _final(form),
            }
        },
        "filters": {"wordless": {"()": Wordless}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["wordless"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Empty handlers: Django's defaults would print a second line, with the address and its query string.
            "django": {"handlers": [], "propagate": True},
            "django.request": {"level": "CRITICAL"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "django.channels.server": {"level": "WARNING"},
            "django.db.backends": {"level": "INFO"},
            "daphne": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "procrastinate": {"level": "WARNING"},
        },
    }


class Wordless(logging.Filter):
    """Takes what an exception says, perhaps a person's words, out of the messages that other packages make of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "asyncio":
            # Its further lines show tasks with their results and exceptions.
            record.msg, record.args = record.getMessage().partition("\n")[0], ()
        elif isinstance(record.args, tuple):
            record.args = tuple(_harmless(argument) for argument in record.args)
        return True


def _harmless(argument: object) -> object:
    """What the network or the database's door says is needed, and says nothing of people."""
    if isinstance(argument, BaseException) and not isinstance(argument, OSError | OperationalError):
        return type(argument).__name__
    return argument


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _say_where_it_broke,
    ]


def _final(form: Form) -> list[Processor]:
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]


def _say_where_it_broke(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Names the exceptions and the lines of code, never what the exceptions say: that may be a person's words."""
    error = _exception(event.pop("exc_info", None))
    if error is not None:
        event["traceback"] = "\n".join(_causes(error))
    return event


def _exception(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _causes(error: BaseException) -> list[str]:
    """The first cause first, as Python prints them."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = traceback.format_tb(error.__traceback__)
    told = f"{type(error).__module__}.{type(error).__qualname__}\n{''.join(frames).rstrip()}"
    return [*(_causes(earlier) if earlier else []), told]
