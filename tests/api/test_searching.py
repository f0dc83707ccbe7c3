"""A search of the web before an answer (backend-rules.md E 8)."""

import json
from typing import Any

import httpx
import pytest
from tests.support.anthropic_events import accumulated, events
from tests.support.api_client import in_process
from tests.support.fake_service import FakeService, text_reply

from cwproxy.api import AccessPolicy, create_app
from cwproxy.api.searching import wanted
from cwproxy.conversation import AssistantTurn, Search, Text, ToolResult, ToolUse, UserTurn
from cwproxy.errors import BackendUnavailable, CwproxyError, InvalidRequest, ModelUnavailable
from cwproxy.reply import Found

pytestmark = pytest.mark.anyio

PAGES = (Found("One", "https://e.x/", "All of it.", "2026-11-01"), Found("Two", "https://e.y/"))
BODY = {
    "model": "m",
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "Perform a web search for the query: größe"}],
    "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
    "tool_choice": {"type": "tool", "name": "web_search"},
}


async def ask(service: FakeService, **members: Any) -> httpx.Response:
    async with in_process(create_app(service, AccessPolicy())) as client:
        return await client.post("/v1/messages", json={**BODY, **members})


@pytest.mark.parametrize("stream", [False, True])
async def test_the_query_is_looked_up_and_the_model_told_what_was_found(stream: bool) -> None:
    service = FakeService(found=PAGES, takes_effort=True)
    answer = await ask(service, stream=stream, thinking={"type": "adaptive"})
    message = accumulated(events(answer.content)) if stream else answer.json()
    use, result, text = message["content"]
    assert service.searches == ["größe"]
    assert (use["type"], use["name"], use["input"]) == ("server_tool_use", "web_search", {"query": "größe"})
    assert use["id"].startswith("srvtoolu_")
    assert (result["type"], result["tool_use_id"]) == ("web_search_tool_result", use["id"])
    assert [(page["title"], page["url"], page["page_age"]) for page in result["content"]] == [
        ("One", "https://e.x/", "2026-11-01"),
        ("Two", "https://e.y/", None),
    ]
    assert text["text"] == "Hello world"
    assert message["usage"]["server_tool_use"]["web_search_requests"] == 1
    assert "x-cwproxy-ignored" not in answer.headers
    _, call, told = service.asked[0].turns
    assert call == AssistantTurn((ToolUse(use["id"], "web_search", '{"query": "größe"}'),))
    pages = (Text("One\nhttps://e.x/\n2026-11-01\nAll of it."), Text("Two\nhttps://e.y/"))
    assert told == UserTurn((ToolResult(use["id"], pages),))
    assert service.asked[0].search is None


async def test_nothing_found_is_told_too() -> None:
    service = FakeService(found=())
    assert [block["type"] for block in (await ask(service)).json()["content"]][1] == "web_search_tool_result"
    (result,) = service.asked[0].turns[-1].parts  # type: ignore[union-attr]
    assert isinstance(result, ToolResult)
    assert result.content == (Text("Nothing was found."),)


@pytest.mark.parametrize("found", [None, BackendUnavailable("x"), InvalidRequest("Improperly formed request.")])
@pytest.mark.parametrize("stream", [False, True])
async def test_without_a_search_the_model_answers_and_a_header_says_so(
    found: CwproxyError | None, stream: bool
) -> None:
    service = FakeService(found=found)
    answer = await ask(service, stream=stream)
    message = accumulated(events(answer.content)) if stream else answer.json()
    assert [block["type"] for block in message["content"]] == ["text"]
    assert answer.headers["x-cwproxy-ignored"] == "tools[web_search]"


async def test_strict_clients_are_refused_it() -> None:
    async with in_process(create_app(FakeService(), AccessPolicy(), strict=True)) as client:
        answer = await client.post("/v1/messages", json=BODY)
    assert answer.status_code == 400
    assert "searched" in json.loads(answer.content)["error"]["message"]


async def test_an_early_failure_still_has_a_status() -> None:
    answer = await ask(FakeService(found=PAGES, opening=ModelUnavailable("Busy.")), stream=True)
    assert answer.status_code == 529
    assert (await ask(FakeService(found=PAGES, steps=[ModelUnavailable("Busy.")]), stream=True)).status_code == 529


async def test_beside_other_tools_it_is_left_out() -> None:
    service = FakeService(found=PAGES)
    answer = await ask(service, tools=[*BODY["tools"], {"name": "f", "input_schema": {}}], tool_choice=None)  # type: ignore[misc]
    assert service.searches == []
    assert answer.headers["x-cwproxy-ignored"] == "tools[web_search]"


async def test_for_a_repair_nothing_is_looked_up_again() -> None:
    for found in (PAGES, None, BackendUnavailable("x")):
        service = FakeService(found=found, steps=text_reply("no"), more=[text_reply('{"a":1}')])
        config = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
        answer = await ask(service, output_config=config)
        assert answer.json()["content"][-1]["text"] == '{"a":1}'
        assert len(service.asked) == 2
        assert service.searches == ["größe"]


async def test_pages_of_other_places_are_left_out() -> None:
    service = FakeService(found=(*PAGES, Found("Evil", "https://e.x.evil/")))
    tool = {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["e.x"]}
    answer = await ask(service, tools=[tool])
    assert [page["title"] for page in answer.json()["content"][1]["content"]] == ["One"]
    assert "Two" not in str(service.asked[0].turns)


@pytest.mark.parametrize(
    ("url", "place", "lies"),
    [
        ("https://example.com/", "example.com", True),
        ("https://docs.example.com/a", "example.com", True),
        ("https://DOCS.Example.com./a", "https://Example.com/", True),
        ("https://docs.example.com/a", "*.example.com", True),
        ("https://example.com/", "docs.example.com", False),
        ("https://badexample.com/", "example.com", False),
        ("https://example.com.evil/", "example.com", False),
        ("https://example.com@evil.example/", "example.com", False),
        ("https://example.com/blog", "example.com/blog", True),
        ("https://example.com/blog/post-1", "example.com/blog/", True),
        ("https://example.com/blogs", "example.com/blog", False),
        ("https://example.com/", "example.com/blog", False),
        ("https://example.com/a/articles/1", "example.com/*/articles", True),
        ("https://example.com/a/other", "example.com/*/articles", False),
        ("https://example.com/any", "example.com/*", True),
        ("https://example.com/", "", False),
    ],
)
def test_places(url: str, place: str, lies: bool) -> None:
    assert wanted(url, Search("q", allowed=(place,))) is lies
    assert wanted(url, Search("q", blocked=(place,))) is not lies
    assert wanted(url, Search("q"))


def test_an_address_that_says_no_place_is_not_used() -> None:
    for url in ("http://[", "about:blank"):
        assert not wanted(url, Search("q", blocked=("example.com",)))
        assert not wanted(url, Search("q", allowed=("example.com",)))
