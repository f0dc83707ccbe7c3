"""Reasoning that a model writes in tags is counted as other reasoning is, in the words of each API."""

import json
from typing import Any, TypeAlias

import httpx
import pytest
from tests.support.api_client import in_process
from tests.support.scripted_backend import METERING, Backend, running, text

from cwproxy.api import AccessPolicy, create_app
from cwproxy.codewhisperer.tokens import estimate
from cwproxy.service import Options

pytestmark = pytest.mark.anyio

THOUGHT = "The user greets me, so I greet back."
SAID = text(f"<thinking>\n{THOUGHT[:9]}") + text(f"{THOUGHT[9:]}</thinking>\n\nHel") + text("lo") + METERING
ASKED = [{"role": "user", "content": "Hello"}]

Api: TypeAlias = tuple[str, dict[str, Any], str, str]
APIS: list[Api] = [
    ("chat/completions", {"messages": ASKED}, "completion_tokens", "completion_tokens_details.reasoning_tokens"),
    ("responses", {"input": "Hello", "store": False}, "output_tokens", "output_tokens_details.reasoning_tokens"),
    (
        "messages",
        {"messages": ASKED, "max_tokens": 1000},
        "output_tokens",
        "output_tokens_details.thinking_tokens",
    ),
]


def usage_of(response: httpx.Response) -> dict[str, Any]:
    """The last that is told of it."""
    assert response.status_code == 200, response.text
    documents = [response.json()] if response.headers["content-type"] == "application/json" else []
    for line in response.text.splitlines():
        if line.startswith("data: {"):
            event = json.loads(line.removeprefix("data: "))
            documents += [event, event.get("response") or {}]
    found: list[dict[str, Any]] = [document["usage"] for document in documents if document.get("usage")]
    return found[-1]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api", APIS, ids=[api[0] for api in APIS])
async def test_reasoning_in_tags_is_counted(api: Api, stream: bool) -> None:
    path, members, output, place = api
    if stream and path == "chat/completions":
        members = members | {"stream_options": {"include_usage": True}}
    async with (
        running(Backend(SAID), Options(parse_thinking_tags=True)) as service,
        in_process(create_app(service, AccessPolicy())) as client,
    ):
        response = await client.post(f"/v1/{path}", json={"model": "auto", "stream": stream, **members})
    usage = usage_of(response)
    details, name = place.split(".")
    assert usage[details][name] == estimate(THOUGHT)
    assert usage[details][name] < usage[output]
