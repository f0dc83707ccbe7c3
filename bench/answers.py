"""The fake backend's answers apart from chat, as JSON text (protocol.md 1.5 and 5.2)."""

import json

_INPUT_TYPES = ["TEXT", "IMAGE"]
_YEAR_2100 = 4102444800


def _model(model_id: str, name: str, window: int, rate: float) -> dict[str, object]:
    return {
        "modelId": model_id,
        "modelName": name,
        "description": f"{name}, for measuring",
        "rateMultiplier": rate,
        "rateUnit": "Credit",
        "tokenLimits": {"maxInputTokens": window, "maxOutputTokens": 64000},
        "supportedInputTypes": _INPUT_TYPES,
        "promptCaching": {
            "supportsPromptCaching": True,
            "minimumTokensPerCacheCheckpoint": 1024,
            "maximumCacheCheckpointsPerRequest": 4,
        },
    }


_MODELS = [
    _model("auto", "Auto", 1_000_000, 1.0),
    _model("claude-haiku-4.5", "Claude Haiku 4.5", 200_000, 0.4),
    _model("claude-sonnet-4", "Claude Sonnet 4", 200_000, 1.3),
    _model("claude-sonnet-4.5", "Claude Sonnet 4.5", 200_000, 1.3),
    _model("claude-sonnet-4.6", "Claude Sonnet 4.6", 1_000_000, 1.3),
    _model("claude-opus-4.5", "Claude Opus 4.5", 200_000, 2.2),
    _model("claude-opus-4.6", "Claude Opus 4.6", 1_000_000, 2.2),
    _model("deepseek-3.2", "DeepSeek 3.2", 128_000, 0.25),
    _model("qwen3-coder-next", "Qwen3 Coder Next", 256_000, 0.05),
]

_ANSWERS: dict[str, dict[str, object]] = {
    "/listavailablemodels": {"models": _MODELS, "defaultModel": _MODELS[0]},
    "/listavailableprofiles": {
        "profiles": [
            {"arn": "arn:aws:codewhisperer:us-east-1:111122223333:profile/BENCHMARK001", "profileName": "benchmark"}
        ]
    },
    "/getusagelimits": {
        "nextDateReset": _YEAR_2100,
        "usageBreakdownList": [
            {
                "resourceType": "CREDIT",
                "displayName": "Credit",
                "displayNamePlural": "Credits",
                "currentUsage": 1,
                "currentUsageWithPrecision": 1.25,
                "usageLimit": 1000,
                "usageLimitWithPrecision": 1000.0,
                "unit": "INVOCATIONS",
            }
        ],
        "subscriptionInfo": {"type": "Q_DEVELOPER_STANDALONE_PRO", "subscriptionTitle": "KIRO PRO"},
        "overageConfiguration": {"overageStatus": "DISABLED"},
        "userInfo": {"userId": "benchmark"},
    },
    "/client/register": {
        "clientId": "benchmark-client",
        "clientSecret": "benchmark-client-secret",
        "clientIdIssuedAt": 1700000000,
        "clientSecretExpiresAt": _YEAR_2100,
    },
    "/device_authorization": {
        "deviceCode": "benchmark-device-code",
        "userCode": "BENC-HMRK",
        "verificationUri": "http://127.0.0.1/device",
        "verificationUriComplete": "http://127.0.0.1/device?user_code=BENC-HMRK",
        "expiresIn": 600,
        "interval": 1,
    },
    "/token": {
        "accessToken": "aoa-benchmark-access-token",
        "refreshToken": "aor-benchmark-refresh-token",
        "expiresIn": 28800,
        "tokenType": "Bearer",
    },
}

_TEXTS = {path: json.dumps(answer).encode() for path, answer in _ANSWERS.items()}


def control_plane_answer(call: str) -> bytes:
    """The answer to a path or to the operation of an X-Amz-Target; `{}` for what is not known."""
    return _TEXTS.get("/" + call.lower().lstrip("/"), b"{}")
