import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from tests.support.conversations import conversations

from cwproxy import __version__
from cwproxy.codewhisperer import wire
from cwproxy.codewhisperer.request import build
from cwproxy.codewhisperer.surfaces import (
    Surface,
    Target,
    api_region,
    chat_call,
    models_call,
    origin,
    profiles_call,
    usage_call,
)
from cwproxy.conversation import Conversation
from cwproxy.errors import SettingsError

ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEFGHIJKL"
STATE = wire.ConversationState(
    current_message=wire.ChatMessage(user_input_message=wire.UserInputMessage(content="Grüße")),
    chat_trigger_type="MANUAL",
    conversation_id="c-1",
)
STATE_JSON = {
    "currentMessage": {"userInputMessage": {"content": "Grüße"}},
    "chatTriggerType": "MANUAL",
    "conversationId": "c-1",
}


@pytest.mark.parametrize(
    ("arn", "sso_region", "region"),
    [
        (ARN, "us-east-1", "eu-central-1"),
        (ARN.replace("eu-central-1", "us-east-1"), "eu-west-1", "us-east-1"),
        (None, "us-east-1", "us-east-1"),
        (None, "eu-north-1", "eu-central-1"),
        (None, "ap-southeast-2", "us-east-1"),
        ("arn:aws:codewhisperer", "eu-west-3", "eu-central-1"),
        ("arn:aws:codewhisperer::123456789012:profile/X", "us-west-2", "us-east-1"),
    ],
)
def test_the_profile_decides_the_region_and_else_the_login(arn: str | None, sso_region: str, region: str) -> None:
    assert api_region(arn, sso_region) == region


@pytest.mark.parametrize(
    "region",
    [
        "evil.example/",
        "evil.example#",
        "user@evil.example/",
        "evil.example\\",
        "us-east-1.evil.example",
        "us-east-1\n",
        "us-east-1\r\nx-a: b",
        "US-EAST-1",
        "us_east_1",
        "\uff55s-east-1",
        "us-east-\u0661",
        "a" * 1000,
    ],
)
def test_no_other_host_is_reached_through_the_region(region: str) -> None:
    arn = f"arn:aws:codewhisperer:{region}:123456789012:profile/ABCDEFGHIJKL"
    with pytest.raises(SettingsError, match="not the name of an AWS region") as caught:
        Target(Surface.Q, api_region(arn, region), profile_arn=arn)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "region", ["us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "ap-southeast-7", "il-central-1"]
)
def test_regions_of_every_partition_are_regions(region: str) -> None:
    arn = f"arn:aws-x:codewhisperer:{region}:123456789012:profile/ABCDEFGHIJKL"
    target = Target(Surface.Q, api_region(arn, "us-east-1"), profile_arn=arn)
    assert models_call(target).url == f"https://q.{region}.amazonaws.com/"


@pytest.mark.parametrize(
    ("surface", "region", "url", "operation"),
    [
        (
            Surface.Q,
            "us-east-1",
            "https://q.us-east-1.amazonaws.com/",
            "AmazonCodeWhispererStreamingService.GenerateAssistantResponse",
        ),
        (
            Surface.Q_IAM,
            "eu-central-1",
            "https://q.eu-central-1.amazonaws.com/",
            "AmazonQDeveloperStreamingService.SendMessage",
        ),
        (
            Surface.CODEWHISPERER,
            "us-east-1",
            "https://codewhisperer.us-east-1.amazonaws.com/generateAssistantResponse",
            None,
        ),
        (
            Surface.CODEWHISPERER,
            "eu-central-1",
            "https://q.eu-central-1.amazonaws.com/generateAssistantResponse",
            None,
        ),
        (
            Surface.KIRO,
            "eu-central-1",
            "https://runtime.eu-central-1.kiro.dev/",
            "KiroRuntimeService.GenerateAssistantResponse",
        ),
    ],
)
def test_the_chat_call_of_each_surface(surface: Surface, region: str, url: str, operation: str | None) -> None:
    call = chat_call(Target(surface, region), STATE, invocation_id="i-1", attempt=2)
    assert (call.method, call.url) == ("POST", url)
    assert call.headers.get("x-amz-target") == operation
    assert call.headers["content-type"] == ("application/x-amz-json-1.0" if operation else "application/json")
    assert call.headers["amz-sdk-invocation-id"] == "i-1"
    assert call.headers["amz-sdk-request"] == "attempt=2; max=3"
    assert call.headers["accept-encoding"] == "identity"


def test_the_headers_say_who_we_are_and_nothing_else() -> None:
    headers = chat_call(Target(Surface.Q, "us-east-1"), STATE, invocation_id="i").headers
    assert headers["user-agent"] == headers["x-amz-user-agent"] == f"cwproxy/{__version__}"
    assert "aws-sdk" not in str(headers)
    assert "authorization" not in headers
    assert "tokentype" not in headers
    assert headers["x-amzn-codewhisperer-optout"] == "true"


def test_the_opt_out_and_the_token_type_come_from_the_target() -> None:
    target = Target(Surface.KIRO, "us-east-1", token_type="API_KEY", opt_out=False)
    headers = models_call(target).headers
    assert headers["x-amzn-codewhisperer-optout"] == "false"
    assert headers["tokentype"] == "API_KEY"


@pytest.mark.parametrize(
    ("target", "extra"),
    [
        (Target(Surface.Q, "us-east-1"), {}),
        (Target(Surface.Q, "eu-central-1", profile_arn=ARN), {"profileArn": ARN}),
        (Target(Surface.Q_IAM, "us-east-1"), {"source": "CLI"}),
        (Target(Surface.CODEWHISPERER, "us-east-1"), {}),
        (Target(Surface.KIRO, "eu-central-1", profile_arn=ARN), {"profileArn": ARN}),
    ],
)
def test_the_chat_body_holds_the_state_and_the_identity_only(target: Target, extra: dict[str, str]) -> None:
    body = chat_call(target, STATE, invocation_id="i").body
    assert body is not None
    assert json.loads(body) == {"conversationState": STATE_JSON, **extra}
    assert "Grüße".encode() in body


@given(conversations())
def test_a_body_that_is_written_piecewise_is_the_same(conversation: Conversation) -> None:
    state = build(conversation, model_id=None, conversation_id="c", origin="CLI").state
    target = Target(Surface.KIRO, "eu-central-1", profile_arn=ARN)
    fields = b'{"output_config":{"effort":"high"}}'
    whole, piecewise = (
        chat_call(target, state, invocation_id="i", model_fields=fields, piecewise=wanted) for wanted in (False, True)
    )
    assert piecewise == whole


@pytest.mark.parametrize("surface", list(Surface))
@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        ("http://127.0.0.1:9999", "http://127.0.0.1:9999"),
        ("http://127.0.0.1:9999/", "http://127.0.0.1:9999"),
        ("http://127.0.0.1:9999/{region}/", "http://127.0.0.1:9999/eu-central-1"),
    ],
)
def test_an_endpoint_takes_every_call(surface: Surface, endpoint: str, base: str) -> None:
    target = Target(surface, "eu-central-1", endpoint=endpoint)
    chat = chat_call(target, STATE, invocation_id="i")
    for call in (chat, models_call(target), profiles_call(target), usage_call(target)):
        assert call.url.startswith(base + "/")


@pytest.mark.parametrize(
    ("surface", "host", "service"),
    [
        (Surface.Q, "https://q.us-east-1.amazonaws.com/", "AmazonCodeWhispererService"),
        (Surface.Q_IAM, "https://q.us-east-1.amazonaws.com/", "AmazonCodeWhispererService"),
        (Surface.KIRO, "https://management.us-east-1.kiro.dev/", "KiroControlPlaneBearerService"),
    ],
)
def test_the_control_plane_of_the_aws_json_surfaces(surface: Surface, host: str, service: str) -> None:
    target = Target(surface, "us-east-1", profile_arn=ARN)
    models, usage = models_call(target, next_token="bmV4dA=="), usage_call(target)
    assert models.url == usage.url == host
    assert models.headers["x-amz-target"] == f"{service}.ListAvailableModels"
    assert usage.headers["x-amz-target"] == f"{service}.GetUsageLimits"
    assert json.loads(models.body or b"") == {
        "maxResults": 100,
        "nextToken": "bmV4dA==",
        "origin": origin(surface),
        "profileArn": ARN,
    }
    assert json.loads(usage.body or b"") == {"origin": origin(surface), "profileArn": ARN}


def test_profiles_are_listed_without_a_profile() -> None:
    q = profiles_call(Target(Surface.Q, "us-east-1", profile_arn=ARN), next_token="bg==")
    assert q.headers["x-amz-target"] == "AmazonCodeWhispererService.ListAvailableProfiles"
    assert json.loads(q.body or b"") == {"maxResults": 10, "nextToken": "bg=="}
    kiro = profiles_call(Target(Surface.KIRO, "eu-central-1"))
    assert kiro.url == "https://management.eu-central-1.kiro.dev/"
    assert kiro.headers["x-amz-target"] == "AmazonCodeWhispererService.ListAvailableProfiles"
    assert kiro.body == b"{}"


def test_the_rest_control_plane_asks_in_the_query() -> None:
    target = Target(Surface.CODEWHISPERER, "us-east-1", profile_arn=ARN)
    models = models_call(target, next_token="a+b/c==")
    assert (models.method, models.body) == ("GET", None)
    assert "content-type" not in models.headers
    parts = urlsplit(models.url)
    assert parts.path == "/ListAvailableModels"
    assert parse_qsl(parts.query) == [
        ("maxResults", "100"),
        ("nextToken", "a+b/c=="),
        ("origin", "AI_EDITOR"),
        ("profileArn", ARN),
    ]
    assert "profileArn=arn%3Aaws%3A" in models.url
    usage = usage_call(target)
    assert urlsplit(usage.url).path == "/getUsageLimits"
    profiles = profiles_call(target)
    assert (profiles.method, urlsplit(profiles.url).path) == ("POST", "/ListAvailableProfiles")
    assert json.loads(profiles.body or b"") == {"maxResults": 10}
