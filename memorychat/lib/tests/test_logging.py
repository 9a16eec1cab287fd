import asyncio
import json
import logging
import logging.config
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from memorychat.lib.logging import configuration


@pytest.fixture
def written() -> Iterator[StringIO]:
    """Lines as a collector gets them; afterwards they go where they went before."""
    handlers, level, before = logging.root.handlers[:], logging.root.level, structlog.get_config()
    logging.config.dictConfig(configuration(level="INFO", form="json"))
    (handler,) = logging.root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream := StringIO())
    yield stream
    logging.root.handlers[:], logging.root.level = handlers, level
    structlog.configure(**before)


def look_up(words: str) -> None:
    raise LookupError(words)


def fail() -> None:
    try:
        look_up("I live in " + "Porto")
    except LookupError as first:
        raise ValueError("my name is " + "Ada") from first


def test_a_failure_names_its_exceptions_and_places_but_not_what_they_say(written: StringIO) -> None:
    try:
        fail()
    except ValueError:
        structlog.get_logger("test").exception("it_broke")
        logging.getLogger("another").exception("It broke there.")

    lines = written.getvalue()
    assert lines.count("builtins.LookupError") == 2
    assert lines.count("builtins.ValueError") == 2
    assert "test_logging.py" in lines
    assert "live in Porto" not in lines
    assert "is Ada" not in lines


def test_what_an_exception_says_is_not_in_messages_about_it_either(written: StringIO) -> None:
    logging.getLogger("daphne.server").error("Exception inside application: %s", ValueError("I live in Porto"))

    assert json.loads(written.getvalue())["event"] == "Exception inside application: ValueError"


async def test_a_task_that_nobody_awaited_does_not_show_its_exception(written: StringIO) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(asyncio.to_thread(fail))
    await asyncio.wait([task])
    loop.default_exception_handler({"message": "Task exception was never retrieved", "task": task})

    assert task.exception()
    assert json.loads(written.getvalue())["event"] == "Task exception was never retrieved"


def test_what_the_network_says_is_told(written: StringIO) -> None:
    logging.getLogger("psycopg.pool").warning("error connecting: %s", ConnectionRefusedError("Connection refused"))

    assert json.loads(written.getvalue())["event"] == "error connecting: Connection refused"


def test_lines_of_other_packages_carry_the_same_context(written: StringIO) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        logging.getLogger("another").warning("It is %s.", "late")

    line = json.loads(written.getvalue())
    assert (line["event"], line["correlation_id"], line["level"]) == ("It is late.", "abc", "warning")


def test_django_adds_no_second_line_with_the_address_of_a_request(written: StringIO) -> None:
    logging.getLogger("django.request").warning("Not Found: /search?q=porto")
    logging.getLogger("django.channels.server").info("GET /search?q=porto")

    assert written.getvalue() == ""
