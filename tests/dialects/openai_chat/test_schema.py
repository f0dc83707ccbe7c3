"""The structs take every parameter of OpenAI's own type, whatever its value, when it is null or unknown to us."""

import msgspec
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from cwproxy.dialects.openai_chat.schema import Request

PARAMETERS = sorted(CompletionCreateParamsNonStreaming.__annotations__)
OPTIONAL = sorted({*PARAMETERS, *CompletionCreateParamsNonStreaming.__optional_keys__, "client_metadata"})


@pytest.mark.parametrize("name", OPTIONAL)
def test_any_parameter_may_be_null(name: str) -> None:
    assert msgspec.json.decode(b'{"%b":null}' % name.encode(), type=Request) == Request()


@pytest.mark.parametrize("value", ["5", '"x"', "[1]", '{"a":{"b":[null]}}', "true"])
def test_unknown_members_are_skipped_at_every_level(value: str) -> None:
    part = f'{{"text":"t","x":{value}}}'
    body = f'{{"x":{value},"messages":[{{"role":"user","x":{value},"content":[{part}]}}]}}'
    request = msgspec.json.decode(body, type=Request)
    assert request.messages is not None
    assert request.messages[0].role == "user"
