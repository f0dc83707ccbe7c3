"""The end of the proxy, and of the backend, in the middle of an answer."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from tests.end_to_end.conftest import Running, running
from tests.support.program import Server, until

pytestmark = pytest.mark.end_to_end

DRAIN = "3"
"""Seconds; open answers are told two seconds before its end, so after one."""

LONG = 60.0
"""Seconds that a slow answer would take."""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, by_hand=False, CWPROXY_DRAIN=DRAIN) as started:
        yield started


@contextmanager
def answer(programs: Running, *, words: int, pace: float) -> Iterator[openai.Stream[ChatCompletionChunk]]:
    """A stream that has begun and would go on for words * pace seconds."""
    programs.aws.say("word " * words, pieces=words, pace=pace)
    with (
        programs.client() as client,
        client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "Tell me a lot."}], stream=True
        ) as stream,
    ):
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        yield stream


def slow_answer(programs: Running) -> AbstractContextManager[openai.Stream[ChatCompletionChunk]]:
    return answer(programs, words=600, pace=LONG / 600)


def takes_nothing_new(programs: Running) -> bool:
    url = httpx.URL(programs.url)
    try:
        socket.create_connection((url.host, url.port or 0), timeout=1).close()
    except OSError:
        return True
    return False


def no_traceback(programs: Running) -> bool:
    return "Traceback" not in programs.proxy.err + programs.simulator.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_an_answer(programs: Running, number: signal.Signals) -> None:
    with slow_answer(programs) as stream:
        started = time.monotonic()
        programs.proxy.send(number)
        with pytest.raises(openai.APIError) as caught:
            list(stream)
    assert "shut" in caught.value.message.lower()
    assert not isinstance(caught.value, openai.APIConnectionError), "the stream was cut without a word"
    assert programs.proxy.end() == 0
    assert 0.5 < time.monotonic() - started < LONG / 2
    until(lambda: programs.aws.status().running == 0)
    assert no_traceback(programs)


def test_an_answer_that_is_soon_done_is_finished(tmp_path: Path) -> None:
    with running(tmp_path, by_hand=False, CWPROXY_DRAIN="60") as programs:
        with answer(programs, words=3, pace=0.1) as stream:
            programs.proxy.send(signal.SIGTERM)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert text == "word word "
        assert programs.proxy.end() == 0


def test_while_it_drains_it_is_not_ready_and_takes_nothing_new(programs: Running) -> None:
    with slow_answer(programs) as stream, programs.http() as kept:
        assert kept.get("/health/ready").status_code == 200
        programs.proxy.send(signal.SIGTERM)
        until(lambda: takes_nothing_new(programs))
        with pytest.raises(openai.APIError):
            list(stream)
    assert programs.proxy.end() == 0


def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    with running(tmp_path, by_hand=False, CWPROXY_DRAIN="60") as programs:
        with slow_answer(programs) as stream:
            programs.proxy.send(signal.SIGINT)
            until(lambda: takes_nothing_new(programs))
            line = "waiting for 1 open answer, up to 60 s; Ctrl-C again to stop now\n"
            until(lambda: programs.proxy.err.endswith(line))
            started = time.monotonic()
            programs.proxy.send(signal.SIGINT)
            with pytest.raises(openai.APIError, match="shut") as caught:
                list(stream)
            assert not isinstance(caught.value, openai.APIConnectionError), "the stream was cut without a word"
            assert programs.proxy.end() == 130
            assert time.monotonic() - started < LONG / 2
        assert no_traceback(programs)


def test_the_backend_is_killed_in_the_middle_of_an_answer(programs: Running) -> None:
    with slow_answer(programs) as stream:
        programs.simulator.end(signal.SIGKILL)
        with pytest.raises(openai.APIError) as caught:
            list(stream)
    assert not isinstance(caught.value, openai.APIConnectionError)
    assert "127.0.0.1" in caught.value.message
    refused = programs.ask("Are you there?")
    assert refused.status_code == 502
    assert "Cannot connect to 127.0.0.1" in refused.json()["error"]["message"]
    assert programs.proxy.end(signal.SIGTERM) == 0
    assert no_traceback(programs)


def test_a_killed_proxy_leaves_a_store_that_works(programs: Running) -> None:
    with slow_answer(programs):
        programs.proxy.end(signal.SIGKILL)
    serve = ("serve", "--endpoint", programs.simulator.url, "--port", "0")
    with Server(*serve, home=programs.home, environment=programs.environment) as again:
        assert replace(programs, proxy=again).ask().status_code == 200
