import asyncio
import io
import logging
from collections.abc import Iterator

import pytest

from cwproxy.cli.running import Redact, configure_logging, run


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("cwproxy")
    before = (root.handlers, root.level, ours.level)
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_the_result_comes_back_from_a_loop_of_the_wanted_kind() -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    async def work() -> type[asyncio.AbstractEventLoop]:
        return type(asyncio.get_running_loop())

    assert run(work(), Loop) is Loop
    assert run(work()) is not Loop


def test_what_looks_like_a_token_is_blanked() -> None:
    record = logging.LogRecord("cwproxy", logging.INFO, "", 0, "%s", ("token aoaAAAAA-0123456789_x",), None)
    assert Redact("%(message)s").format(record) == "token [redacted]"


def test_in_tracebacks_too() -> None:
    try:
        raise ValueError("refused Bearer aoaAAAAAsecret")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, (ValueError, error, error.__traceback__))
    text = Redact("%(message)s").format(record)
    assert "ValueError: refused [redacted]" in text
    assert "aoaAAAAAsecret" not in text


def test_ours_at_the_level_and_the_others_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    logging.getLogger("cwproxy.service").debug("ours")
    logging.getLogger("httpx").info("theirs")
    logging.getLogger("httpx").warning("theirs, aloud")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["DEBUG cwproxy.service ours", "WARNING httpx theirs, aloud"]


def test_the_last_level_counts() -> None:
    configure_logging("debug")
    configure_logging("warning")
    channel = logging.getLogger().handlers[0]
    assert isinstance(channel, logging.StreamHandler)
    channel.setStream(written := io.StringIO())
    logging.getLogger("cwproxy").info("quiet")
    logging.getLogger("cwproxy").warning("aloud")
    assert written.getvalue().count("\n") == 1


def test_a_command_that_configures_nothing_shows_warnings_as_they_are_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def work() -> None:
        logging.getLogger("cwproxy.accounts").warning("no use for %s", "aorAAAAA:0123456789")
        logging.getLogger("cwproxy.accounts").info("quiet")

    logging.getLogger().handlers = []
    run(work())
    assert capsys.readouterr().err == "no use for [redacted]\n"
