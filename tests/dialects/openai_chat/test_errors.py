"""The envelope is what OpenAI's own types read (compatibility.md 1.5, 1.8)."""

import json

import openai
import pytest
from tests.support.errors import OWN

from cwproxy import errors
from cwproxy.dialects.openai_chat import ENVELOPE
from cwproxy.inbound.failures import failure_of


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: str(kind.__name__))
def test_every_class_is_an_envelope_with_a_real_status(kind: type[errors.CwproxyError]) -> None:
    failure = failure_of(kind("What happened."))
    assert 400 <= ENVELOPE.status(failure) < 600
    told = json.loads(ENVELOPE.body(failure, "req_1"))
    assert set(told["error"]) == {"message", "type", "param", "code"}
    assert openai.types.ErrorObject.model_validate(told["error"], strict=True).message == failure.message


def test_the_form_inside_a_stream_is_the_same_object() -> None:
    failure = failure_of(errors.ToolUseTruncated("Cut."))
    body = ENVELOPE.body(failure, "req_1")
    assert ENVELOPE.event(failure, "req_1") == b"data: " + body + b"\n\n"
    assert b"\n" not in body
