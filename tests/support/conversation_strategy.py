"""The backend's laws about a chat body, checked from its JSON alone (backend-rules.md A).

It shares nothing with the converter: what it knows, it knows from the rules. `broken_laws` names each broken one.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any

ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")
KNOWN_KEYWORDS = {"type", "properties", "required", "items", "enum", "description"}


def broken_laws(body: dict[str, Any]) -> list[str]:
    """What a strict backend would refuse in the body, as sentences; empty when it is lawful."""
    return list(_envelope(body)) + list(_messages(body["conversationState"])) + list(_empty_values(body, "$"))


def _envelope(body: dict[str, Any]) -> Iterator[str]:
    if not {"conversationState"} <= set(body) <= {"conversationState", "profileArn", "source"}:
        yield f"unknown members {set(body)}"
    state = body["conversationState"]
    if not set(state) <= {"currentMessage", "chatTriggerType", "conversationId", "history"}:
        yield f"unknown members {set(state)}"
    if state["chatTriggerType"] != "MANUAL" or not 1 <= len(state["conversationId"]) <= 128:
        yield "trigger or id"


def _messages(state: dict[str, Any]) -> Iterator[str]:
    entries = [*state.get("history", []), state["currentMessage"]]
    current = state["currentMessage"].get("userInputMessage")
    if current is None:
        yield "the current message is not the user's"
        return
    declared = [tool["toolSpecification"] for tool in current.get("userInputMessageContext", {}).get("tools", [])]
    names = [tool["name"] for tool in declared]
    yield from _specifications(declared)
    asked: list[str] = []
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if len(entry) != 1:
            yield f"{number}: not one arm"
        if ("userInputMessage" in entry) != (number % 2 == 0):
            yield f"{number}: roles do not alternate, the user first"
            return
        if "userInputMessage" in entry:
            yield from _user(number, entry["userInputMessage"], asked, is_current=number == len(entries) - 1)
            continue
        message = entry["assistantResponseMessage"]
        uses = message.get("toolUses", [])
        asked = [use["toolUseId"] for use in uses]
        yield from _assistant(number, message, names)
        if seen & set(asked) or len(set(asked)) < len(asked):
            yield f"{number}: ids used twice"
        seen |= set(asked)
    images = [image for e in entries for image in e.get("userInputMessage", {}).get("images", [])]
    if len(images) > 20:
        yield "too many images"


def _user(number: int, message: dict[str, Any], asked: list[str], *, is_current: bool) -> Iterator[str]:
    context = message.get("userInputMessageContext", {})
    results = context.get("toolResults", [])
    if not message["content"].strip() and not results:
        yield f"{number}: no content"
    if len(message["content"]) > 600_000:
        yield f"{number}: content too long"
    if sorted(result["toolUseId"] for result in results) != sorted(asked):
        yield f"{number}: results do not answer the calls before"
    for result in results:
        yield from _result(number, result)
    if not is_current and ("tools" in context or "modelId" in message):
        yield f"{number}: tools or model in the history"
    if not context.get("envState", {}).get("operatingSystem"):
        yield f"{number}: no environment"
    for image in message.get("images", []):
        if image["format"] not in ("png", "jpeg", "gif", "webp") or not base64.b64decode(image["source"]["bytes"]):
            yield f"{number}: bad image"


def _result(number: int, result: dict[str, Any]) -> Iterator[str]:
    if not ID.fullmatch(result["toolUseId"]) or result["status"] not in ("success", "error"):
        yield f"{number}: result id or status"
    if not result["content"] or any(set(item) != {"text"} or not item["text"].strip() for item in result["content"]):
        yield f"{number}: result content"
    if sum(len(item["text"]) for item in result["content"]) > 800_000:
        yield f"{number}: result too long"


def _assistant(number: int, message: dict[str, Any], names: list[str]) -> Iterator[str]:
    uses = message.get("toolUses", [])
    if not message["content"] or not (message["content"].strip() or uses):
        yield f"{number}: no content"
    for use in uses:
        if not ID.fullmatch(use["toolUseId"]):
            yield f"{number}: bad id {use['toolUseId']!r}"
        if use["name"] not in names:
            yield f"{number}: {use['name']!r} is not declared"
        if not isinstance(use["input"], dict):
            yield f"{number}: input is no object"


def _specifications(declared: list[dict[str, Any]]) -> Iterator[str]:
    names = [tool["name"] for tool in declared]
    if len(set(names)) < len(names):
        yield "two tools of one name"
    for tool in declared:
        if not NAME.fullmatch(tool["name"]):
            yield f"bad name {tool['name']!r}"
        if not tool["description"].strip() or len(tool["description"].encode()) > 10_240:
            yield f"description of {tool['name']}"
        schema = tool["inputSchema"]["json"]
        if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
            yield f"{tool['name']}: root is no object"
        yield from _schema(tool["name"], schema)


def _schema(where: str, schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{where}: not a schema"
        return
    if set(schema) - KNOWN_KEYWORDS:
        yield f"{where}: {set(schema) - KNOWN_KEYWORDS}"
    if "type" in schema and not isinstance(schema["type"], str):
        yield f"{where}: type"
    required, properties = schema.get("required"), schema.get("properties", {})
    if required is not None and (not required or not set(required) <= set(properties)):
        yield f"{where}: required"
    for name, sub in properties.items():
        yield from _schema(f"{where}.{name}", sub)
    if "items" in schema:
        yield from _schema(f"{where}[]", schema["items"])


def _empty_values(value: Any, path: str) -> Iterator[str]:
    """No null and no empty list where the members are the service's own (rule 23)."""
    if path.endswith((".input", ".json")):
        return
    if value is None or value == []:
        yield f"{path} is {value}"
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _empty_values(member, f"{path}.{name}")
    if isinstance(value, list):
        for item in value:
            yield from _empty_values(item, path)
