"""What is repeated of a request, and what is said where it says nothing."""

import json
from typing import Any

import msgspec
import pytest

from cwproxy.dialects.openai_responses.echo import echo
from cwproxy.dialects.openai_responses.schema import Request
from cwproxy.errors import InvalidRequest


def echoed(**members: Any) -> dict[str, Any]:
    body = json.dumps(members).encode()
    found: dict[str, Any] = json.loads(
        msgspec.json.encode(echo(body, msgspec.json.decode(body, type=Request), store=members.get("store", True)))
    )
    return found


def test_defaults_are_openais() -> None:
    assert echoed() == {
        "previous_response_id": None,
        "instructions": None,
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "text": {"format": {"type": "text"}},
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "background": False,
        "truncation": "disabled",
        "temperature": 1,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "top_logprobs": 0,
        "service_tier": "default",
        "metadata": {},
        "user": None,
        "safety_identifier": None,
        "prompt_cache_key": None,
    }


def test_what_was_said_is_repeated() -> None:
    said: dict[str, Any] = {
        "previous_response_id": "resp_1",
        "instructions": "Be brief.",
        "tool_choice": {"type": "function", "name": "f", "more": [1]},
        "parallel_tool_calls": False,
        "max_output_tokens": 20,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": False,
        "temperature": 0.25,
        "metadata": {"a": "b"},
        "user": "u",
    }
    assert said.items() <= echoed(**said).items()
    assert echoed(reasoning={"generate_summary": "auto"})["reasoning"] == {"effort": None, "summary": "auto"}


def test_functions_have_all_of_their_members() -> None:
    odd = [{"type": "web_search", "x": 1}, {"name": "n"}, {"type": "function", "function": {"name": "g"}}]
    tools = echoed(tools=[{"type": "function", "name": "f", "parameters": {"a": 1}}, *odd])["tools"]
    assert tools[0] == {"type": "function", "name": "f", "description": None, "parameters": {"a": 1}, "strict": None}
    assert tools[1:] == odd
    assert echoed(tools=[5])["tools"] == [5]


def test_what_is_no_utf_8_is_not_passed_on() -> None:
    body = b'{"metadata":{"a":"\xff"}}'
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        echo(body, msgspec.json.decode(body.replace(b"\xff", b"x"), type=Request), store=True)
