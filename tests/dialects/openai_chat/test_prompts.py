"""The older completions, read back with OpenAI's own types."""

import json
from typing import Any

import pytest
from openai.types import Completion

from cwproxy.conversation import Conversation, Text, UserTurn
from cwproxy.dialects.openai_chat.prompts import PROMPT_TABLE, PromptRequest, TextRequest, parse_prompts
from cwproxy.errors import InvalidRequest
from cwproxy.reply import (
    Finished,
    PartEnded,
    ReasoningDelta,
    Reply,
    ReplyEvent,
    StopReason,
    TextDelta,
    TextPart,
    TextStarted,
    Usage,
)


def parsed(**members: Any) -> TextRequest:
    return parse_prompts(json.dumps({"model": "m", "prompt": "Say hi", **members}).encode())


def asking(text: str, **members: Any) -> Conversation:
    return Conversation("m", (UserTurn((Text(text),)),), **members)


def test_the_least_request() -> None:
    assert parsed() == TextRequest((asking("Say hi"),), (0,), "m", False, False, (), ())


def test_what_is_taken_over() -> None:
    request = parsed(prompt=["a", "b"], n=2, stop=["x"], max_tokens=5, stream=True, user="u", temperature=0, logprobs=1)
    wanted = {"stop": ("x",), "max_tokens": 5}
    a, b = asking("a", **wanted), asking("b", **wanted)
    assert (request.conversations, request.prompts) == ((a, a, b, b), (0, 0, 1, 1))
    assert request.stream
    assert request.ignored == ("logprobs", "temperature")
    assert request.emulated == ("n", "stop", "max_tokens")
    assert [conversation.name for conversation in request.called("mine").conversations] == ["mine"] * 4


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": []}, "prompt", "missing_required_parameter"),
        ({"prompt": [1, 2]}, "prompt[0]", "invalid_type"),
        ({"prompt": ["x"] * 5}, "prompt", "unsupported_value"),
        ({"prompt": ["x"] * 3, "n": 2}, "n", "unsupported_value"),
        ({"n": 5}, "n", "unsupported_value"),
        ({"suffix": "x"}, "suffix", "unsupported_value"),
        ({"echo": True}, "echo", "unsupported_value"),
        ({"best_of": 2}, "best_of", "unsupported_value"),
        ({"logprobs": 6}, "logprobs", "invalid_value"),
        ({"max_tokens": 0}, "max_tokens", "invalid_value"),
    ],
)
def test_what_cannot_be_served_is_refused(members: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**members)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_nothing_is_asked_by_the_defaults() -> None:
    assert parsed(echo=False, best_of=1, n=1, suffix=None).emulated == ()
    assert parsed(suffix="").ignored == ()


def test_every_parameter_is_in_the_table_once() -> None:
    names = [parameter.name for parameter in PROMPT_TABLE]
    assert sorted(names) == sorted(PromptRequest.__struct_fields__)


def test_a_whole_answer() -> None:
    replies = [
        Reply((TextPart("a"), TextPart("b")), Usage(3, 2, "backend"), StopReason.STOP_SEQUENCE),
        Reply((), Usage(3, 1, "estimate"), StopReason.MAX_TOKENS),
    ]
    body = parsed(n=2).complete(replies, id="cmpl-1", created=1)
    found = Completion.model_validate_json(body, strict=True)
    assert [(c.index, c.text, c.finish_reason) for c in found.choices] == [(0, "ab", "stop"), (1, "", "length")]
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (3, 3)
    assert parsed(n=2).usage(replies).source == "estimate"


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream(include_usage: bool) -> None:
    renderer = parsed(stream_options={"include_usage": include_usage}).renderer(id="cmpl-1", created=1)
    events: list[ReplyEvent] = [
        ReasoningDelta(0, "hm"),
        TextStarted(1),
        TextDelta(1, "a"),
        TextDelta(1, "b"),
        PartEnded(1),
        Usage(3, 2, "backend"),
        Finished(StopReason.END_TURN),
    ]
    data = b"".join(renderer.feed([event]) for event in events)
    assert renderer.finished
    assert data.endswith(b"data: [DONE]\n\n")
    # OpenAI's own type does not know that the reason is null before the end, as its service sends it.
    chunks = [json.loads(event[6:]) for event in data.split(b"\n\n")[:-2]]
    told = [(choice["text"], choice["finish_reason"]) for chunk in chunks for choice in chunk["choices"]]
    assert told == [("a", None), ("b", None), ("", "stop")]
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    if include_usage:
        assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 3
        assert chunks[-1]["usage"]["total_tokens"] == 5
    else:
        assert b"usage" not in data


def test_usage_is_never_null_at_the_end() -> None:
    renderer = parsed(stream_options={"include_usage": True}).renderer(id="cmpl-1", created=1)
    assert b'"total_tokens":0' in renderer.feed([Finished(StopReason.END_TURN)])
