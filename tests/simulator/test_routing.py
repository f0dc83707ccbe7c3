import pytest

from cwproxy.simulator.envelope import Refused
from cwproxy.simulator.request import Request
from cwproxy.simulator.routing import Route, envelope_of, resolve

AWS_JSON = "application/x-amz-json-1.0"


def request(
    target: str | None = None, *, method: str = "POST", path: str = "/", content_type: str = AWS_JSON
) -> Request:
    headers = {"content-type": content_type, **({} if target is None else {"x-amz-target": target})}
    return Request(method, path, path, "", headers, b"", None, "127.0.0.1", 1)


@pytest.mark.parametrize(
    ("target", "surface", "envelope", "profile"),
    [
        ("AmazonCodeWhispererStreamingService.GenerateAssistantResponse", "q", "aws-json", "legacy-q"),
        ("AmazonCodeWhispererService.ListAvailableModels", "q", "aws-json", "legacy-q"),
        ("AmazonQDeveloperStreamingService.SendMessage", "q-iam", "aws-json", "legacy-q"),
        ("KiroRuntimeService.GenerateAssistantResponse", "kiro", "kiro", "kiro-runtime"),
        ("KiroControlPlaneBearerService.GetUsageLimits", "kiro", "kiro", "kiro-runtime"),
    ],
)
def test_targets(target: str, surface: str, envelope: str, profile: str) -> None:
    route = resolve(request(target, content_type=f"{AWS_JSON}; charset=utf-8"))
    assert (route.surface, route.operation) == (surface, target.rpartition(".")[2])
    assert (route.envelope, route.profile) == (envelope, profile)
    assert route.is_chat == (route.operation in ("GenerateAssistantResponse", "SendMessage"))


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/generateAssistantResponse", "GenerateAssistantResponse"),
        ("POST", "/SendMessageStreaming", "SendMessage"),
        ("GET", "/ListAvailableModels", "ListAvailableModels"),
        ("GET", "/getUsageLimits", "GetUsageLimits"),
        ("POST", "/ListAvailableProfiles", "ListAvailableProfiles"),
        ("POST", "/GetProfile", "GetProfile"),
    ],
)
def test_paths(method: str, path: str, operation: str) -> None:
    route = resolve(request(method=method, path=path, content_type="application/json"))
    assert route == Route("codewhisperer", operation)
    assert (route.envelope, route.profile) == ("rest-json", "legacy-q")


@pytest.mark.parametrize(
    "unknown",
    [
        request("KiroRuntimeService.SendMessage"),
        request("SomeService.GenerateAssistantResponse"),
        request("GenerateAssistantResponse"),
        request("KiroRuntimeService.GenerateAssistantResponse", path="/somewhere"),
        request("KiroRuntimeService.GenerateAssistantResponse", method="GET"),
        request("KiroRuntimeService.GenerateAssistantResponse", content_type="application/json"),
        request(path="/"),
        request(path="/generateAssistantResponse", method="GET"),
        request(path="/getUsageLimits", method="POST"),
    ],
)
def test_what_is_meant_for_nobody(unknown: Request) -> None:
    with pytest.raises(Refused) as refused:
        resolve(unknown)
    assert (refused.value.error.status, refused.value.error.error) == (404, "UnknownOperationException")


def test_rest_wants_json() -> None:
    with pytest.raises(Refused) as refused:
        resolve(request(path="/generateAssistantResponse"))
    assert refused.value.error.status == 415


def test_the_envelope_of_what_could_not_be_routed() -> None:
    assert envelope_of(request()) == "rest-json"
    assert envelope_of(request("KiroRuntimeService.Nothing")) == "kiro"
    assert envelope_of(request("Other.Nothing")) == "aws-json"
