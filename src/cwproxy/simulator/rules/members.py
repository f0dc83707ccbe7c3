"""The request as the service model has it: members, types, lengths, enums and patterns (protocol.md 2.1-2.8).

Left out on purpose, because the evidence is that they are not enforced: the counts of history entries, tool results and
tool uses of the 2025-04 model, its length of assistant text and its size of an image (protocol.md 9, question 2). Tool
names may hold `-` (backend-rules.md A3 29).
"""

from collections.abc import Mapping
from types import MappingProxyType

from cwproxy.simulator.rules.shapes import (
    Checker,
    anything,
    blob,
    boolean,
    both,
    bytes_at_most,
    forbidden,
    integer,
    json_object,
    listing,
    one_of,
    structure,
    text,
    union,
)
from cwproxy.simulator.rules.verdict import SHAPE

_ORIGIN = text(
    pattern="AI_EDITOR|CHATBOT|CLI|CONSOLE|DOCUMENTATION|GITLAB|IDE|MARKETING|MD|MOBILE|OPENSEARCH_DASHBOARD|SAGE_MAKER"
    "|SERVICE_INTERNAL|UNIFIED_SEARCH|UNKNOWN|INLINE_CHAT|MD_CE|MD_IDE|Q_DEV_BEXT|SM_AI_STUDIO_IDE|KIRO_CLI|KIRO_WEB"
)
_USER_INTENT = text(
    pattern="SUGGEST_ALTERNATE_IMPLEMENTATION|APPLY_COMMON_BEST_PRACTICES|IMPROVE_CODE|SHOW_EXAMPLES|CITE_SOURCES"
    "|EXPLAIN_LINE_BY_LINE|EXPLAIN_CODE_SELECTION|GENERATE_CLOUDFORMATION_TEMPLATE|GENERATE_UNIT_TESTS|CODE_GENERATION"
)
_PROFILE_ARN = text(
    high=950, pattern=r"arn:aws:(codewhisperer|transform):[-.a-z0-9]{1,63}:\d{12}:profile/[a-zA-Z0-9]{12}"
)
_CACHE_POINT = structure({"type": one_of("default")}, required=("type",))

_TOOL_NAME = both(text(high=64, rule=28), text(pattern="[a-zA-Z][a-zA-Z0-9_-]*", rule=29))
_TOOL_USE_ID = text(high=64, pattern="[a-zA-Z0-9_-]+")
_TOOL = union(
    {
        "toolSpecification": structure(
            {
                "name": _TOOL_NAME,
                "inputSchema": structure({"json": anything}, documents=("json",)),
                "description": both(text(low=1, rule=30), bytes_at_most(10_240, rule=31)),
            },
            required=("name", "inputSchema"),
        ),
        "cachePoint": forbidden(rule=43),
    }
)
_TOOL_USE = structure(
    {"toolUseId": _TOOL_USE_ID, "name": _TOOL_NAME, "input": json_object(rule=22)},
    required=("toolUseId", "name"),
    documents=("input",),
)
_TOOL_RESULT = structure(
    {
        "toolUseId": _TOOL_USE_ID,
        "content": listing(union({"text": text(high=800_000, rule=12), "json": anything}, rule=24), rule=24),
        "status": one_of("success", "error", rule=24),
        "toolName": text(),
    },
    required=("toolUseId", "content"),
)

_ENV_STATE = structure(
    {
        "operatingSystem": one_of("macos", "linux", "windows"),
        "currentWorkingDirectory": text(1, 256),
        "environmentVariables": listing(structure({"key": text(1, 256), "value": text(1, 1024)}), high=100),
        "timezoneOffset": integer(-1440, 1440),
    }
)
_SHELL_STATE = structure(
    {
        "shellName": text(1, 32, pattern="zsh|bash|fish|pwsh|nu"),
        "shellHistory": listing(
            structure(
                {
                    "command": text(1, 1024),
                    "directory": text(1, 256),
                    "exitCode": integer(-(2**31), 2**31 - 1),
                    "stdout": text(high=4096),
                    "stderr": text(high=4096),
                },
                required=("command",),
            ),
            high=20,
        ),
    },
    required=("shellName",),
)
_CONTEXT = structure(
    {
        "editorState": json_object(),
        "shellState": _SHELL_STATE,
        "gitState": structure({"status": text(high=4096)}),
        "envState": _ENV_STATE,
        "userSettings": structure({"hasConsentedToCrossRegionCalls": boolean}),
        "additionalContext": listing(
            structure(
                {
                    "name": text(1, 1024, pattern="[a-z]+(?:-[a-z0-9]+)*"),
                    "description": text(1, 1024),
                    "innerContext": text(1, 8192),
                }
            ),
            high=20,
        ),
        "toolResults": listing(_TOOL_RESULT),
        "tools": listing(_TOOL),
    }
)

_IMAGE = structure(
    {
        "format": one_of("png", "jpeg", "gif", "webp", rule=66),
        "source": structure({"bytes": text(low=1, rule=66)}, required=("bytes",), rule=66),
    },
    required=("format", "source"),
    rule=66,
)
_DOCUMENT = structure(
    {
        "name": text(1, 200),
        "format": one_of("csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx"),
        "source": structure({"bytes": blob()}, required=("bytes",)),
    },
    required=("name", "format", "source"),
)

_USER = structure(
    {
        "content": both(text(rule=13), text(high=600_000, rule=12)),
        "userInputMessageContext": _CONTEXT,
        "userIntent": _USER_INTENT,
        "origin": _ORIGIN,
        "images": listing(_IMAGE),
        "documents": listing(_DOCUMENT),
        "modelId": text(pattern="[a-zA-Z0-9_:.-]+"),
        "cachePoint": _CACHE_POINT,
        "clientCacheConfig": structure({"useClientCachingOnly": boolean}),
    },
    required=("content",),
)
_ASSISTANT = structure(
    {
        "content": text(rule=13),
        "messageId": text(high=128),
        "toolUses": listing(_TOOL_USE),
        "references": listing(json_object()),
        "supplementaryWebLinks": listing(json_object()),
        "followupPrompt": json_object(),
        "cachePoint": _CACHE_POINT,
        "reasoningContent": union(
            {
                "reasoningText": structure(
                    {"text": text(rule=47), "signature": text(rule=47)}, required=("text",), rule=47
                ),
                "redactedContent": blob(),
            },
            rule=47,
        ),
    },
    required=("content",),
)

_STATE = structure(
    {
        "currentMessage": union({"userInputMessage": _USER, "assistantResponseMessage": forbidden(rule=SHAPE)}),
        "chatTriggerType": one_of("MANUAL", "DIAGNOSTIC", "INLINE_CHAT"),
        "conversationId": text(1, 128),
        "workspaceId": text(),
        "history": listing(union({"userInputMessage": _USER, "assistantResponseMessage": _ASSISTANT})),
        "customizationArn": text(high=1224),
        "agentContinuationId": text(),
        "agentTaskType": one_of("vibe", "spectask"),
    },
    required=("currentMessage", "chatTriggerType"),
)

REQUESTS: Mapping[str, Checker] = MappingProxyType(
    {
        "GenerateAssistantResponse": structure(
            {"conversationState": _STATE, "profileArn": _PROFILE_ARN, "additionalModelRequestFields": json_object()},
            required=("conversationState",),
        ),
        "SendMessage": structure(
            {"conversationState": _STATE, "profileArn": _PROFILE_ARN, "source": _ORIGIN, "dryRun": boolean},
            required=("conversationState",),
        ),
    }
)
"""A checker for the whole body of each operation."""
