"""A client that leaves: the call to the backend ends at once, so that nobody pays for an answer unread."""

import json
import socket

import httpx
import pytest
from tests.end_to_end.conftest import KEY, Running
from tests.support.program import until
from tests.support.waiting import SECONDS

pytestmark = pytest.mark.end_to_end


def request(programs: Running, *, stream: bool) -> socket.socket:
    """A connection that has asked for a long answer."""
    programs.aws.say("word " * 300, pieces=300, pace=0.1)
    url = httpx.URL(programs.url)
    body = json.dumps({"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]}).encode()
    connection = socket.create_connection((url.host, url.port or 0), timeout=SECONDS)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_the_backend_sees_the_end_at_once(programs: Running, stream: bool, reset: bool) -> None:
    connection = request(programs, stream=stream)
    until(lambda: programs.aws.status().running == 1)
    answer = b""
    while stream and b"data: " not in answer:
        data = connection.recv(65_536)
        assert data, answer
        answer += data
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    until(lambda: programs.aws.status().running == 0)
    last = programs.aws.received("GenerateAssistantResponse")[-1]
    assert last.ended != "complete"
    assert last.frames < 200
    assert programs.ask().status_code == 200
