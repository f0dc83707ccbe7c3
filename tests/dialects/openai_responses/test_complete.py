"""Whole answers, held against OpenAI's own types; that they equal the streams is said in `test_render`."""

import json

import pytest
from openai.types.responses import Response
from tests.support.replies import TABLE

from cwproxy.dialects.openai_responses import Frame, Shape
from cwproxy.dialects.openai_responses.complete import complete
from cwproxy.reply import ReplyEvent, fold

ECHO: dict[str, object] = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


@pytest.mark.parametrize("said", TABLE.values(), ids=TABLE)
def test_every_reply_is_a_response(said: list[ReplyEvent]) -> None:
    body = complete(fold(said), Frame("resp_1", 100, "m", Shape(echo=ECHO)), completed=101)
    assert Response.model_validate_json(body).id == "resp_1"


def test_text() -> None:
    body = json.loads(complete(fold(TABLE["text"]), Frame("resp_1", 100, "m", Shape()), completed=101))
    assert (body["created_at"], body["completed_at"]) == (100, 101)
    (message,) = body["output"]
    assert (message["type"], message["role"], message["status"]) == ("message", "assistant", "completed")
    assert message["content"][0] == {"type": "output_text", "text": 'Grüße "世界"', "annotations": [], "logprobs": []}
