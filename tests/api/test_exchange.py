"""One line per request: structured, escaped, and without secrets (reliability.md 2.4)."""

import json
import logging

import pytest
from tests.support.api_client import scope

from cwproxy.accounts.callers import Caller
from cwproxy.api.exchange import Exchange, begin, exchange_of
from cwproxy.reply import Usage


def logged(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.INFO, logger="cwproxy.access"):
        exchange.log()
    (record,) = caplog.records
    return record.getMessage()


def test_the_line(caplog: pytest.LogCaptureFixture) -> None:
    exchange = begin(scope("/v1/chat/completions"))
    exchange.caller, exchange.model, exchange.stream, exchange.status = Caller("key-1"), "m", True, 200
    exchange.usage = Usage(7, 5, "context")
    line = json.loads(logged(exchange, caplog))
    assert line.pop("ms") >= 0
    assert line.pop("request_id") == exchange.request_id
    assert line == {
        "method": "POST",
        "path": "/v1/chat/completions",
        "caller": "key-1",
        "model": "m",
        "stream": True,
        "status": 200,
        "outcome": "ok",
        "input_tokens": 7,
        "output_tokens": 5,
        "usage_source": "context",
    }


def test_what_a_client_writes_cannot_forge_lines(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange("GET", "/\n2026 INFO forged\x1b[31m\u202e\x7f😀")
    exchange.model = "x" * 10_000
    message = logged(exchange, caplog)
    assert message.isascii()
    assert message.isprintable()
    assert json.loads(message)["path"] == exchange.path
    assert len(message) < 1000


def test_nothing_is_made_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="cwproxy.access"):
        Exchange("GET", "/").log()
    assert not caplog.records


def test_each_request_has_an_id_and_sends_it() -> None:
    asked = scope()
    exchange = begin(asked)
    assert exchange_of(asked) is exchange
    assert exchange.headers(("a", "b")) == [(b"x-request-id", exchange.request_id.encode()), (b"a", b"b")]
    assert Exchange("GET", "/").request_id != exchange.request_id
