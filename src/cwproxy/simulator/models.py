"""The models that this AWS lists (protocol.md 1.5, 6): old and new, with and without limits, pictures and caching."""

from dataclasses import dataclass
from typing import Any

DEFAULT_WINDOW = 200_000
"""For a model that names no limit, as AWS's own client assumes (protocol.md 6.2)."""

_EFFORT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "thinking": {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["adaptive", "disabled"]},
                "display": {"type": "string", "enum": ["summarized", "omitted"]},
            },
        },
        "output_config": {
            "type": "object",
            "properties": {"effort": {"type": "string", "enum": ["low", "medium", "high", "xhigh", "max"]}},
        },
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 32000},
    },
}


@dataclass(frozen=True, slots=True)
class Model:
    """Limits are tokens; None stands for a limit that the listing leaves null. reasons: takes reasoning fields."""

    id: str
    name: str
    description: str
    rate: float
    max_input: int | None
    max_output: int | None
    images: bool = True
    caching: bool = True
    reasons: bool = False

    def document(self, *, kiro: bool) -> dict[str, Any]:
        """One member of `models`; the schema of request fields is for the kiro surface only."""
        document: dict[str, Any] = {
            "modelId": self.id,
            "modelName": self.name,
            "description": self.description,
            "rateMultiplier": self.rate,
            "rateUnit": "Credit",
            "supportedInputTypes": ["TEXT", "IMAGE"] if self.images else ["TEXT"],
            "tokenLimits": {"maxInputTokens": self.max_input, "maxOutputTokens": self.max_output},
            "promptCaching": {
                "supportsPromptCaching": self.caching,
                "minimumTokensPerCacheCheckpoint": 1024 if self.caching else 0,
                "maximumCacheCheckpointsPerRequest": 4 if self.caching else 0,
            },
        }
        if kiro and self.reasons:
            document["additionalModelRequestFieldsSchema"] = _EFFORT_SCHEMA
        return document


MODELS: tuple[Model, ...] = (
    Model("auto", "Auto", "Chooses a model for each request.", 1.0, 1_000_000, 64_000, reasons=True),
    Model("claude-opus-4.6", "Claude Opus 4.6", "For hard problems.", 2.2, 1_000_000, 64_000, reasons=True),
    Model("claude-sonnet-4.6", "Claude Sonnet 4.6", "Everyday coding.", 1.3, 1_000_000, 64_000, reasons=True),
    Model("claude-sonnet-4.5", "Claude Sonnet 4.5", "Everyday coding, one generation back.", 1.3, 200_000, 64_000),
    Model("claude-sonnet-4", "Claude Sonnet 4", "Hybrid reasoning and coding.", 1.3, 200_000, None),
    Model("claude-haiku-4.5", "Claude Haiku 4.5", "Quick answers.", 0.4, 200_000, 64_000),
    Model("claude-3.7-sonnet", "Claude 3.7 Sonnet", "An older model.", 1.0, None, None, caching=False),
    Model("deepseek-3.2", "DeepSeek 3.2", "Open weights.", 0.25, 128_000, 64_000, images=False, caching=False),
    Model("qwen3-coder-next", "Qwen3 Coder Next", "Open weights.", 0.05, 256_000, None, images=False, caching=False),
    Model("gpt-5.6-terra", "GPT-5.6 Terra", "Long contexts.", 1.2, 272_000, 128_000, reasons=True),
)
DEFAULT_MODEL = MODELS[0]


def offered(only: frozenset[str] | None) -> tuple[Model, ...]:
    """The models of an account that may use the named ones; None means all."""
    return tuple(model for model in MODELS if only is None or model.id in only)


def window_of(model_id: object) -> int:
    """Input tokens of the model; of the default for an absent id, a plain guess for an unknown one."""
    if model_id is None:
        return DEFAULT_MODEL.max_input or DEFAULT_WINDOW
    found = next((model for model in MODELS if model.id == model_id), None)
    return (found.max_input if found is not None else None) or DEFAULT_WINDOW
