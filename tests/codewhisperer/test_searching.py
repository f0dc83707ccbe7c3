"""What InvokeMCP answers, JSON in a text in JSON (protocol.md 7 4)."""

import json
from typing import Any

import pytest

from cwproxy.codewhisperer.searching import MAX_FOUND, parse
from cwproxy.codewhisperer.surfaces import Surface, Target, has_search, search_call
from cwproxy.errors import BackendUnavailable
from cwproxy.reply import Found

ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL"


def answer(document: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": "1", "result": {"content": [{"text": json.dumps(document)}]}}).encode()


def test_pages() -> None:
    page = {"title": "T", "url": "https://e.x/", "snippet": "S", "publishedDate": "2026-11-01", "domain": "e.x"}
    bare = {"title": None, "url": "https://e.y/", "publishedDate": 1_700_000_000}
    assert parse(answer({"results": [page, bare, {"title": "nowhere"}], "totalResults": 3})) == (
        Found("T", "https://e.x/", "S", "2026-11-01"),
        Found("https://e.y/", "https://e.y/"),
    )
    assert parse(answer({"results": None})) == ()
    assert len(parse(answer({"results": [page] * 100}))) == MAX_FOUND


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"jsonrpc":"2.0","id":"1","error":{"code":-32602,"message":"Invalid params"}}',
        b'{"result":{"content":[]}}',
        b'{"result":{"content":[{"text":"not json"}]}}',
        b'{"result":{"content":[{"text":"\\"\xff"}]}}',
        answer([]),
    ],
)
def test_what_is_no_list_of_pages_is_a_failure(body: bytes) -> None:
    with pytest.raises(BackendUnavailable):
        parse(body)


def test_where_the_question_goes() -> None:
    kiro = search_call(Target(Surface.KIRO, "us-east-1", profile_arn=ARN), "größe", id="1")
    assert (kiro.url, kiro.headers["x-amz-target"]) == (
        "https://runtime.us-east-1.kiro.dev/",
        "KiroRuntimeService.InvokeMCP",
    )
    assert kiro.headers["x-amzn-kiro-profile-arn"] == ARN
    assert json.loads(kiro.body or b"") == {
        "id": "1",
        "params": {"name": "web_search", "arguments": {"query": "größe"}},
        "jsonrpc": "2.0",
        "method": "tools/call",
    }
    rest = search_call(Target(Surface.CODEWHISPERER, "us-east-1"), "x", id="1")
    assert rest.url == "https://codewhisperer.us-east-1.amazonaws.com/mcp"
    assert not {"x-amz-target", "x-amzn-kiro-profile-arn"} & set(rest.headers)
    assert [surface for surface in Surface if has_search(Target(surface, "us-east-1"))] == [
        Surface.CODEWHISPERER,
        Surface.KIRO,
    ]
