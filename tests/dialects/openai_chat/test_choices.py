"""Several choices in one stream: own chunks, a common end (compatibility.md 3.2, `n`)."""

import json

import pytest

from cwproxy.dialects.openai_chat.choices import Chorus
from cwproxy.dialects.openai_chat.parse import ChatRequest, parse
from cwproxy.dialects.openai_chat.prompts import TextRequest, parse_prompts
from cwproxy.reply import Finished, ReplyEvent, StopReason, TextDelta, Usage

CHAT = b'{"model":"m","messages":[{"role":"user","content":"x"}],"n":2,"stream_options":{"include_usage":true}}'
PROMPTS = b'{"model":"m","prompt":["x","y"],"n":1,"stream_options":{"include_usage":true}}'


def chorus_of(request: ChatRequest | TextRequest) -> Chorus:
    return request.chorus(id="i", created=1)


def ended(output: int) -> list[ReplyEvent]:
    return [Usage(7, output, "backend"), Finished(StopReason.END_TURN)]


@pytest.mark.parametrize(
    ("request_of", "prompt_tokens"), [(parse(CHAT), 7), (parse_prompts(PROMPTS), 14)], ids=["chat", "prompts"]
)
def test_choices_are_interleaved_and_end_together(request_of: ChatRequest | TextRequest, prompt_tokens: int) -> None:
    chorus = chorus_of(request_of)
    data = chorus.feed(0, [TextDelta(0, "a")]) + chorus.feed(1, [TextDelta(0, "b"), *ended(3)])
    assert not chorus.finished
    assert b"[DONE]" not in data
    data += chorus.feed(0, [TextDelta(0, "c"), *ended(5)])
    assert chorus.finished
    assert chorus.usage == Usage(prompt_tokens, 8, "backend")
    assert data.count(b"[DONE]") == 1
    *chunks, last = [json.loads(event[6:]) for event in data.split(b"\n\n")[:-2]]
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] == prompt_tokens
    assert last["usage"]["completion_tokens"] == 8
    for index, text in enumerate(["ac", "b"]):
        mine = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == index]
        said = [choice["delta"].get("content", "") if "delta" in choice else choice["text"] for choice in mine]
        assert "".join(said) == text
        assert [choice["finish_reason"] for choice in mine][-1] == "stop"
        assert [choice["delta"].get("role") for choice in mine if "delta" in choice][:1] in ([], ["assistant"])


def test_an_end_without_usage_is_told_as_none() -> None:
    chorus = chorus_of(parse(CHAT))
    chorus.feed(0, [Finished(StopReason.END_TURN)])
    assert b'"total_tokens":0' in chorus.feed(1, [Finished(StopReason.END_TURN)])
