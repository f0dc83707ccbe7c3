import json

import pytest

from cwproxy.simulator.envelope import Envelope, ServiceError, error_reply, json_reply


@pytest.mark.parametrize(
    ("envelope", "kind", "content_type", "suffix"),
    [
        ("aws-json", "com.amazon.aws.codewhisperer#XException", "application/x-amz-json-1.0", "codewhisperer/"),
        ("rest-json", "com.amazon.aws.codewhisperer#XException", "application/json", "validate/"),
        ("kiro", "com.amazon.kiro.runtimeservice#XException", "application/x-amz-json-1.0", "XException"),
    ],
)
def test_an_error_says_its_name_in_header_and_body(
    envelope: Envelope, kind: str, content_type: str, suffix: str
) -> None:
    reply = error_reply(ServiceError(429, "XException", "no", "WHY", 300), envelope, rule=7)
    headers = dict(reply.headers)
    assert reply.status == 429
    assert json.loads(reply.body) == {"__type": kind, "message": "no", "reason": "WHY", "retryAfterMilliseconds": 300}
    assert headers["content-type"] == content_type
    assert headers["x-amzn-errortype"].startswith("XException")
    assert headers["x-amzn-errortype"].endswith(suffix)
    assert reply.note == "XException: no (rule 7)"


def test_an_absent_reason_is_null_and_an_absent_wait_is_absent() -> None:
    reply = error_reply(ServiceError(400, "XException", "no"), "aws-json")
    assert json.loads(reply.body) == {
        "__type": "com.amazon.aws.codewhisperer#XException",
        "message": "no",
        "reason": None,
    }


def test_errors_of_the_framework_carry_its_namespace() -> None:
    reply = error_reply(ServiceError(404, "UnknownOperationException", "no"), "kiro")
    assert json.loads(reply.body)["__type"] == "com.amazon.coral.service#UnknownOperationException"


def test_a_json_reply_has_the_content_type_of_its_protocol() -> None:
    assert json_reply({"a": 1}).headers == [("content-type", "application/json")]
    assert json_reply({}, "kiro").headers == [("content-type", "application/x-amz-json-1.0")]
