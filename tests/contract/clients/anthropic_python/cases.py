"""What users do with Anthropic's SDK: text, tools, thinking, pictures, documents, counting, every class of errors."""

import os
from typing import Final, Literal

import anthropic
import pytest
from anthropic.types import (
    MessageParam,
    TextBlock,
    ThinkingBlock,
    ToolParam,
    ToolUseBlock,
)
from tests.support.pictures import PDF, PNG

MODEL: Final = os.environ["PROXY_MODEL"]
THINKING_MODEL: Final = "claude-sonnet-4-6"
WEATHER: Final[ToolParam] = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    },
}
NOTE: Final[ToolParam] = {"name": "note", "input_schema": {"type": "object"}}


def ask(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


def text_of(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


def test_models(client: anthropic.Anthropic) -> None:
    listed = [model.id for model in client.models.list(limit=1000)]
    assert MODEL in listed
    assert client.models.retrieve(MODEL).id == MODEL


def test_a_message(client: anthropic.Anthropic) -> None:
    message = client.messages.create(model=MODEL, max_tokens=999, messages=ask("STUBSAY Grüße, 世界"))
    assert text_of(message) == "Grüße, 世界"
    assert (message.stop_reason, message.model) == ("end_turn", MODEL)
    assert message.usage.input_tokens > 0 < message.usage.output_tokens
    assert message._request_id


def test_a_stream(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=MODEL, max_tokens=999, messages=ask("STUBSAY one two three")) as stream:
        assert "".join(stream.text_stream) == "one two three"
        message = stream.get_final_message()
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_loop(client: anthropic.Anthropic, streamed: bool) -> None:
    messages = ask("STUBTOOLS 2 The weather in 'Zürich' for 3 days, please.")

    def turn() -> anthropic.types.Message:
        if not streamed:
            return client.messages.create(model=MODEL, max_tokens=999, messages=messages, tools=[WEATHER, NOTE])
        with client.messages.stream(model=MODEL, max_tokens=999, messages=messages, tools=[WEATHER, NOTE]) as stream:
            return stream.get_final_message()

    first = turn()
    calls = [block for block in first.content if isinstance(block, ToolUseBlock)]
    assert [(call.name, call.input) for call in calls] == [
        ("get_weather", {"city": "Zürich", "days": 3}),
        ("note", {}),
    ]
    assert first.stop_reason == "tool_use"
    messages.append({"role": "assistant", "content": first.content})
    messages.append(
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": calls[0].id, "content": "sunny and 20 degrees"},
                {"type": "tool_result", "tool_use_id": calls[1].id, "content": "no paper", "is_error": True},
            ],
        }
    )
    second = turn()
    assert "The tool answered: sunny and 20 degrees" in text_of(second)
    assert "The tool failed with: no paper" in text_of(second)
    assert second.stop_reason == "end_turn"


def test_tool_choices(client: anthropic.Anthropic) -> None:
    forced = client.messages.create(
        model=MODEL,
        max_tokens=999,
        messages=ask("hello"),
        tools=[WEATHER, NOTE],
        tool_choice={"type": "tool", "name": "note"},
    )
    assert [block.name for block in forced.content if isinstance(block, ToolUseBlock)] == ["note"]
    quiet = client.messages.create(
        model=MODEL, max_tokens=999, messages=ask("hello"), tools=[WEATHER], tool_choice={"type": "none"}
    )
    assert quiet.stop_reason == "end_turn"
    assert text_of(quiet)
    single = client.messages.create(
        model=MODEL,
        max_tokens=999,
        messages=ask("STUBTOOLS 2 'x'"),
        tools=[WEATHER, NOTE],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )
    assert [block.type for block in single.content] == ["tool_use"]


@pytest.mark.parametrize("display", ["summarized", "omitted"])
def test_thinking_comes_back_signed_and_goes_back(
    client: anthropic.Anthropic, display: Literal["summarized", "omitted"]
) -> None:
    messages = ask("STUBTHINK Why?")
    for _ in range(2):
        with client.messages.stream(
            model=THINKING_MODEL,
            max_tokens=9_999,
            messages=messages,
            thinking={"type": "enabled", "budget_tokens": 2_048, "display": display},
        ) as stream:
            message = stream.get_final_message()
        thought, _text = message.content
        assert isinstance(thought, ThinkingBlock)
        assert thought.signature
        assert bool(thought.thinking) is (display == "summarized")
        messages += [{"role": "assistant", "content": message.content}, *ask("STUBTHINK And then?")]


def test_without_asking_there_is_no_thinking(client: anthropic.Anthropic) -> None:
    message = client.messages.create(model=MODEL, max_tokens=999, messages=ask("STUBTHINK Why?"))
    assert [block.type for block in message.content] == ["text"]


def test_pictures_and_documents(client: anthropic.Anthropic) -> None:
    message = client.messages.create(
        model=MODEL,
        max_tokens=999,
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                    {
                        "type": "document",
                        "title": "Report",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                    },
                    {"type": "text", "text": "What is this?"},
                ],
            }
        ],
    )
    assert "I also received 1 image and 1 document." in text_of(message)


def test_counting(client: anthropic.Anthropic) -> None:
    few = client.messages.count_tokens(model=MODEL, messages=ask("hello")).input_tokens
    many = client.messages.count_tokens(
        model=MODEL, messages=ask("hello " * 100), system="Be brief.", tools=[WEATHER]
    ).input_tokens
    assert 0 < few < 20 < many


def test_ends(client: anthropic.Anthropic) -> None:
    stopped = client.messages.create(
        model=MODEL, max_tokens=999, messages=ask("STUBSAY one STOP two"), stop_sequences=["STOP"]
    )
    assert (stopped.stop_reason, stopped.stop_sequence, text_of(stopped)) == ("stop_sequence", "STOP", "one ")
    cut = client.messages.create(model=MODEL, max_tokens=2, messages=ask("STUBSAY one two three four five six"))
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens <= 2


def test_json(client: anthropic.Anthropic) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    message = client.messages.create(
        model=MODEL,
        max_tokens=999,
        messages=ask("About 'Rome'."),
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert text_of(message) == '{"city": "Rome"}'


def check(error: anthropic.APIStatusError, status: int, kind: str) -> None:
    assert error.status_code == status
    assert error.request_id
    assert isinstance(error.body, dict)
    assert (error.body["type"], error.body["error"]["type"]) == ("error", kind)
    assert error.body["request_id"] == error.request_id
    assert error.body["error"]["message"]


BACKEND: Final[dict[int, tuple[type[anthropic.APIStatusError], int, str]]] = {
    400: (anthropic.BadRequestError, 400, "invalid_request_error"),
    402: (anthropic.APIStatusError, 402, "billing_error"),
    403: (anthropic.InternalServerError, 502, "api_error"),
    429: (anthropic.RateLimitError, 429, "rate_limit_error"),
    500: (anthropic.InternalServerError, 529, "overloaded_error"),
    503: (anthropic.InternalServerError, 502, "api_error"),
}


@pytest.mark.parametrize("status", BACKEND)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_status_of_the_backend(client: anthropic.Anthropic, status: int, stream: bool) -> None:
    error_class, expected, kind = BACKEND[status]
    with pytest.raises(error_class) as caught:
        client.messages.create(model=MODEL, max_tokens=9, messages=ask(f"STUBERR {status}"), stream=stream)
    check(caught.value, expected, kind)


def test_what_the_proxy_refuses(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(model="no/such.model", max_tokens=9, messages=ask("hello"))
    check(missing.value, 404, "not_found_error")
    with pytest.raises(anthropic.BadRequestError) as empty:
        client.messages.create(model=MODEL, max_tokens=9, messages=[])
    check(empty.value, 400, "invalid_request_error")
    with pytest.raises(anthropic.RequestTooLargeError) as large:
        client.messages.create(model=MODEL, max_tokens=9, messages=ask("a" * (21 << 20)))
    check(large.value, 413, "request_too_large")
    with pytest.raises(anthropic.PermissionDeniedError) as forbidden:
        client.messages.create(
            model=MODEL, max_tokens=9, messages=ask("hello"), extra_headers={"Origin": "https://elsewhere.example"}
        )
    check(forbidden.value, 403, "permission_error")
    stranger = client.with_options(api_key="wrong", auth_token=None)
    with pytest.raises(anthropic.AuthenticationError) as unknown:
        stranger.messages.create(model=MODEL, max_tokens=9, messages=ask("hello"))
    check(unknown.value, 401, "authentication_error")


def test_a_stream_that_breaks_off(client: anthropic.Anthropic) -> None:
    heard: list[str] = []

    def hear() -> None:
        with client.messages.stream(model=MODEL, max_tokens=99, messages=ask("STUBMIDERR one two three")) as stream:
            for text in stream.text_stream:
                heard.append(text)

    with pytest.raises(anthropic.APIStatusError) as caught:
        hear()
    assert heard
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["message"]
