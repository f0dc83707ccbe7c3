"""Every rule that the simulator can hold against a request, by its number in backend-rules.md A.

Numbers from 100 on are our own. Rules about hosts, tokens, quotas and throttling (55, 69-78) are not about the request
and live where the simulator plays those parts.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from cwproxy.simulator.rules.verdict import DUPLICATE_DOCUMENT, DUPLICATE_TOOL_USE, ILLEGAL_DOCUMENT_NAME, SHAPE


class Rule(NamedTuple):
    """`strict` is always on, `opt` only when the context names the number."""

    name: str
    level: Literal["strict", "opt"]
    source: str


RULES: Mapping[int, Rule] = MappingProxyType(
    {
        1: Rule("a user turn needs text or tool results", "strict", "backend-rules.md A1 1"),
        2: Rule("images alone are no user turn: it needs text", "strict", "backend-rules.md A1 2"),
        4: Rule("an assistant turn in the history needs text or tool uses", "strict", "backend-rules.md A1 4"),
        5: Rule("an assistant turn with tool uses needs text as well (422)", "opt", "backend-rules.md A1 5"),
        6: Rule("no two user turns in a row", "strict", "backend-rules.md A1 6"),
        7: Rule("no two assistant turns in a row", "strict", "backend-rules.md A1 7"),
        8: Rule("the history starts with a user turn", "strict", "backend-rules.md A1 8"),
        9: Rule("the first user turn of the history carries no tool results", "strict", "backend-rules.md A1 9"),
        11: Rule("at most 10 000 turns of history", "opt", "backend-rules.md A1 11"),
        12: Rule("user text up to 600 000 characters, a tool result up to 800 000", "strict", "backend-rules.md A1 12"),
        13: Rule("content is a string", "strict", "backend-rules.md A1 13"),
        14: Rule("the body is strict JSON", "strict", "backend-rules.md A1 14"),
        15: Rule("generic faults are worded by the second validator", "opt", "backend-rules.md A1 15"),
        16: Rule("every tool use has its result in the next user turn", "strict", "backend-rules.md A2 16"),
        17: Rule("every tool result answers a tool use of the turn before", "strict", "backend-rules.md A2 17"),
        18: Rule("a turn answers a tool use once", "strict", "backend-rules.md A2 18"),
        20: Rule("tool uses and results need tools on the current message", "strict", "backend-rules.md A2 20"),
        21: Rule("a tool used in the history is among the tools on offer", "strict", "backend-rules.md A2 21"),
        22: Rule("a tool use's input is a JSON object", "strict", "backend-rules.md A2 22"),
        23: Rule("no empty list of tool uses", "opt", "backend-rules.md A2 23"),
        24: Rule("a tool result is a list of text or json, with success or error", "strict", "backend-rules.md A2 24"),
        28: Rule("a tool's name has at most 64 characters", "strict", "backend-rules.md A3 28"),
        29: Rule("a tool's name is a letter, then letters, digits, _ and -", "strict", "backend-rules.md A3 29"),
        30: Rule("a tool's description is not empty", "strict", "backend-rules.md A3 30"),
        31: Rule("a tool's description has at most 10 240 bytes", "strict", "backend-rules.md A3 31"),
        32: Rule("the root of a tool's schema is an object", "strict", "backend-rules.md A3 32"),
        33: Rule("`required` in a tool's schema is a list of names", "strict", "backend-rules.md A3 33"),
        34: Rule("`required` in a tool's schema is not empty", "opt", "backend-rules.md A3 34"),
        35: Rule(
            "no `additionalProperties` (strict on legacy-q, opt on kiro-runtime)", "strict", "backend-rules.md A3 35"
        ),
        36: Rule("no oneOf, allOf or anyOf at the root of a tool's schema", "strict", "backend-rules.md A3 36"),
        37: Rule("no unions, references or conditions in a tool's schema", "opt", "backend-rules.md A3 37"),
        38: Rule("no validation keywords or vendor keys in a tool's schema", "opt", "backend-rules.md A3 38"),
        40: Rule("no server tool dressed up as a function", "opt", "backend-rules.md A3 40"),
        41: Rule("the tools together stay below 2 MB and below the body's limit", "strict", "backend-rules.md A3 41"),
        42: Rule("rules 22 and 41 answer in their own words", "strict", "backend-rules.md A3 42"),
        43: Rule("no cachePoint among the tools", "strict", "backend-rules.md A3 43"),
        44: Rule("no two tools of one name", "opt", "backend-rules.md A3 44"),
        45: Rule("no top-level systemPrompt (kiro-runtime)", "strict", "backend-rules.md A4 45"),
        46: Rule(
            "additionalModelRequestFields only where and as the model lists them", "strict", "backend-rules.md A4 46"
        ),
        47: Rule("reasoning in the history is nested", "strict", "backend-rules.md A4 47"),
        48: Rule("reasoning in the history is signed", "strict", "backend-rules.md A4 48"),
        49: Rule("a reasoning signature is the one that this model gave out", "strict", "backend-rules.md A4 49"),
        51: Rule("envState names the system and the directory", "opt", "backend-rules.md A4 51"),
        52: Rule("profileArn is there (kiro-runtime; Identity Center everywhere)", "strict", "backend-rules.md A4 52"),
        53: Rule("profileArn is of the host's region", "strict", "backend-rules.md A4 53"),
        54: Rule("profileArn is the account's", "strict", "backend-rules.md A4 54"),
        56: Rule("Builder ID has no profiles to list", "strict", "backend-rules.md A4 56"),
        57: Rule("the model is one of the account's", "strict", "backend-rules.md A4 57"),
        58: Rule("the body stays below its limit", "opt", "backend-rules.md A5 58"),
        59: Rule("the conversation fits the model's window", "strict", "backend-rules.md A5 59"),
        60: Rule("Opus 4.6 words an overflow as an improper request", "opt", "backend-rules.md A5 60"),
        62: Rule("at most 10 images, and 10 MB for each file", "opt", "backend-rules.md A5 62"),
        63: Rule("an image has at most 5 MiB of base64", "strict", "backend-rules.md A5 63"),
        64: Rule("beyond 20 images no side is longer than 2000 pixels", "strict", "backend-rules.md A5 64"),
        65: Rule("at most 100 images and documents", "strict", "backend-rules.md A5 65"),
        66: Rule(
            "an image is base64 of the format it names, and for a model that lists images",
            "strict",
            "backend-rules.md A5 66",
        ),
        67: Rule("no documents (strict where the model lists only text)", "opt", "backend-rules.md A5 67"),
        68: Rule("at most 32 000 tokens of output are asked for", "opt", "backend-rules.md A5 68"),
        SHAPE: Rule("members, types, enums, lengths and patterns of the service model", "strict", "protocol.md 2"),
        DUPLICATE_TOOL_USE: Rule("an assistant turn uses an id once", "strict", "protocol.md 2.11"),
        DUPLICATE_DOCUMENT: Rule("no two documents of one name", "strict", "protocol.md 4.2"),
        ILLEGAL_DOCUMENT_NAME: Rule(
            "a document's name is letters, digits, single blanks, hyphens and brackets", "strict", "protocol.md 4.2"
        ),
    }
)
