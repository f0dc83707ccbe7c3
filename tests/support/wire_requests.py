"""Requests as AWS's clients send them, for tests that speak to the simulator without cwproxy's own client."""

import json
from typing import Any

import httpx

from cwproxy.eventstream import Decoder

AWS_JSON = {"content-type": "application/x-amz-json-1.0"}
CHAT_TARGETS = {
    "q": "AmazonCodeWhispererStreamingService.GenerateAssistantResponse",
    "q-iam": "AmazonQDeveloperStreamingService.SendMessage",
    "kiro": "KiroRuntimeService.GenerateAssistantResponse",
}
CONTROL_TARGETS = {"q": "AmazonCodeWhispererService", "kiro": "KiroControlPlaneBearerService"}


def chat_body(text: str = "Hello", *, model: str | None = None, profile_arn: str | None = None) -> dict[str, Any]:
    """The smallest body that every surface takes."""
    message: dict[str, Any] = {"content": text, "origin": "CLI"}
    if model is not None:
        message["modelId"] = model
    state = {
        "currentMessage": {"userInputMessage": message},
        "chatTriggerType": "MANUAL",
        "conversationId": "c-1",
    }
    return {"conversationState": state, **({} if profile_arn is None else {"profileArn": profile_arn})}


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def chat(
    client: httpx.Client,
    token: str,
    body: object = None,
    *,
    surface: str = "q",
    region: str | None = None,
    **headers: str,
) -> httpx.Response:
    """One chat call, read to its end. body None is `chat_body()`; bytes go out as they are."""
    content = body if isinstance(body, bytes) else json.dumps(chat_body() if body is None else body).encode()
    prefix = "" if region is None else f"/{region}"
    if surface == "codewhisperer":
        every = {"content-type": "application/json", **bearer(token), **headers}
        return client.post(f"{prefix}/generateAssistantResponse", content=content, headers=every)
    every = {**AWS_JSON, "x-amz-target": CHAT_TARGETS[surface], **bearer(token), **headers}
    return client.post(f"{prefix}/", content=content, headers=every)


def control_plane(
    client: httpx.Client,
    token: str,
    operation: str,
    members: dict[str, Any],
    *,
    surface: str = "q",
    region: str | None = None,
    **headers: str,
) -> httpx.Response:
    """One awsJson call of the control plane."""
    target = f"{CONTROL_TARGETS[surface]}.{operation}"
    every = {**AWS_JSON, "x-amz-target": target, **bearer(token), **headers}
    return client.post(f"/{region}/" if region else "/", content=json.dumps(members).encode(), headers=every)


def events(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """What the frames of a whole stream say: event or exception type, and payload."""
    decoder = Decoder()
    found = []
    for frame in decoder.feed(stream):
        name = frame.headers.get(":event-type") or frame.headers.get(":exception-type") or frame.headers[":error-code"]
        found.append((str(name), json.loads(frame.payload or b"{}")))
    decoder.close()
    return found
