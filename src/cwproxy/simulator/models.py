"""The models that this AWS lists (protocol.md 1.5, 6): old and new, with and without limits, pictures and caching."""

from dataclasses import dataclass
from typing import Any, Literal

DEFAULT_WINDOW = 200_000
"""For a model that names no limit, as AWS's own client assumes (protocol.md 6.2)."""

_THINKING_FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "thinking": {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["adaptive", "disabled"]},
                "display": {"type": "string", "enum": ["summarized", "omitted"]},
            },
            "additionalProperties": False,
        },
        "output_config": {
            "type": "object",
            "properties": {"effort": {"type": "string", "enum": ["low", "medium", "high", "xhigh", "max"]}},
            "additionalProperties": False,
        },
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 32000},
    },
    "additionalProperties": False,
}
_REASONING_FIELDS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reasoning": {
            "type": "object",
            "properties": {"effort": {"type": "string", "enum": ["low", "medium", "high", "xhigh"]}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
_FIELDS = {"thinking": _THINKING_FIELDS, "reasoning": _REASONING_FIELDS}


@dataclass(frozen=True, slots=True)
class Model:
    """Limits are tokens; None stands for a limit that the listing leaves null. reasons: by which
    fields it is told how much to think, those of Claude or those of GPT (protocol.md 6.3).
    """

    id: str
    name: str
    description: str
    rate: float
    max_input: int | None
    max_output: int | None
    images: bool = True
    caching: bool = True
    reasons: Literal["thinking", "reasoning"] | None = None

    @property
    def fields_schema(self) -> dict[str, Any] | None:
        """What `additionalModelRequestFields` may be; None for a model that takes none."""
        return None if self.reasons is None else _FIELDS[self.reasons]

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
        if kiro and self.fields_schema is not None:
            document["additionalModelRequestFieldsSchema"] = self.fields_schema
        return document


MODELS: tuple[Model, ...] = (
    Model("auto", "Auto", "Chooses a model for each request.", 1.0, 1_000_000, 64_000, reasons="thinking"),
    Model("claude-opus-4.6", "Claude Opus 4.6", "For hard problems.", 2.2, 1_000_000, 64_000, reasons="thinking"),
    Model("claude-sonnet-4.6", "Claude Sonnet 4.6", "Everyday coding.", 1.3, 1_000_000, 64_000, reasons="thinking"),
    Model("claude-sonnet-4.5", "Claude Sonnet 4.5", "Everyday coding, one generation back.", 1.3, 200_000, 64_000),
    Model("claude-sonnet-4", "Claude Sonnet 4", "Hybrid reasoning and coding.", 1.3, 200_000, None),
    Model("claude-haiku-4.5", "Claude Haiku 4.5", "Quick answers.", 0.4, 200_000, 64_000),
    Model("claude-3.7-sonnet", "Claude 3.7 Sonnet", "An older model.", 1.0, None, None, caching=False),
    Model("deepseek-3.2", "DeepSeek 3.2", "Open weights.", 0.25, 128_000, 64_000, images=False, caching=False),
    Model("qwen3-coder-next", "Qwen3 Coder Next", "Open weights.", 0.05, 256_000, None, images=False, caching=False),
    Model("gpt-5.6-terra", "GPT-5.6 Terra", "Long contexts.", 1.2, 272_000, 128_000, reasons="reasoning"),
)
DEFAULT_MODEL = MODELS[0]


def offered(only: frozenset[str] | None) -> tuple[Model, ...]:
    """The models of an account that may use the named ones; None means all."""
    return tuple(model for model in MODELS if only is None or model.id in only)


def listed(model_id: object) -> Model | None:
    """The model of that id, the default for an absent one, None for one that nobody lists."""
    if model_id is None:
        return DEFAULT_MODEL
    return next((model for model in MODELS if model.id == model_id), None)


def window_of(model_id: object) -> int:
    """Input tokens of the model; a plain guess for one without a limit, and for an unknown one."""
    found = listed(model_id)
    return (found.max_input if found is not None else None) or DEFAULT_WINDOW
