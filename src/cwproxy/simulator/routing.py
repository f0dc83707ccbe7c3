"""Which operation of which wire generation a request is meant for (protocol.md 0.3, 1.1, 1.5)."""

from dataclasses import dataclass

from cwproxy.simulator.envelope import Envelope, Refused, ServiceError
from cwproxy.simulator.options import Profile, SimulatorOptions
from cwproxy.simulator.request import Request

_AWS_JSON = "application/x-amz-json-1.0"
_CONTROL_OPERATIONS = frozenset({"ListAvailableModels", "ListAvailableProfiles", "GetUsageLimits", "GetProfile"})
CHAT_OPERATIONS = frozenset({"GenerateAssistantResponse", "SendMessage"})

_TARGETS: dict[str, tuple[str, frozenset[str]]] = {
    "AmazonCodeWhispererStreamingService": ("q", frozenset({"GenerateAssistantResponse"})),
    "AmazonCodeWhispererService": ("q", _CONTROL_OPERATIONS),
    "AmazonQDeveloperStreamingService": ("q-iam", frozenset({"SendMessage"})),
    "KiroRuntimeService": ("kiro", frozenset({"GenerateAssistantResponse", "InvokeMCP"})),
    "KiroControlPlaneBearerService": ("kiro", _CONTROL_OPERATIONS),
}
_PATHS: dict[tuple[str, str], str] = {
    ("POST", "/generateAssistantResponse"): "GenerateAssistantResponse",
    ("POST", "/SendMessageStreaming"): "SendMessage",
    ("GET", "/ListAvailableModels"): "ListAvailableModels",
    ("GET", "/getUsageLimits"): "GetUsageLimits",
    ("POST", "/ListAvailableProfiles"): "ListAvailableProfiles",
    ("POST", "/GetProfile"): "GetProfile",
    ("POST", "/mcp"): "InvokeMCP",
}
_UNKNOWN = ServiceError(404, "UnknownOperationException", "The requested operation is not recognized by the service.")


@dataclass(frozen=True, slots=True)
class Route:
    """surface: `q`, `q-iam`, `codewhisperer` or `kiro`; profile: whose validator reads the body."""

    surface: str
    operation: str

    @property
    def envelope(self) -> Envelope:
        if self.surface == "kiro":
            return "kiro"
        return "rest-json" if self.surface == "codewhisperer" else "aws-json"

    @property
    def profile(self) -> Profile:
        return "kiro-runtime" if self.surface == "kiro" else "legacy-q"

    def profile_of(self, options: SimulatorOptions) -> Profile:
        """The same, unless the options say that it is always one of them."""
        return self.profile if options.profile == "auto" else options.profile

    @property
    def is_chat(self) -> bool:
        return self.operation in CHAT_OPERATIONS


def envelope_of(request: Request) -> Envelope:
    """For errors of requests that could not be routed."""
    target = request.headers.get("x-amz-target")
    if target is None:
        return "rest-json"
    return "kiro" if target.startswith("Kiro") else "aws-json"


def resolve(request: Request) -> Route:
    """A request with a target goes by the target, any other by method and path.

    Raises Refused with UnknownOperationException, as AWS's framework does also for a content type that belongs to
    another protocol.
    """
    target = request.headers.get("x-amz-target")
    if target is None:
        operation = _PATHS.get((request.method, request.path))
        if operation is None:
            raise Refused(_UNKNOWN)
        if request.method == "POST" and _content_type(request) != "application/json":
            raise Refused(ServiceError(415, "UnsupportedMediaTypeException", "Expected application/json."))
        return Route("codewhisperer", operation)
    service, _, operation = target.rpartition(".")
    surface, operations = _TARGETS.get(service, ("", frozenset()))
    well_formed = request.method == "POST" and request.path == "/" and _content_type(request) == _AWS_JSON
    if operation not in operations or not well_formed:
        raise Refused(_UNKNOWN)
    return Route(surface, operation)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
