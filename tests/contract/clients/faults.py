"""Ways in which the backend's answer breaks off, for the simulator (reliability.md 3B)."""

from collections.abc import Mapping
from typing import Final

TEXT: Final = "one two three four five six seven eight nine ten"
FRAMES: Final = 4
"""Whole frames before a fault that comes in the middle."""

BEFORE: Final[Mapping[str, Mapping[str, object]]] = {
    "reset": {"kind": "rst"},
    "hung-up": {"kind": "close"},
    "reset-after-headers": {"kind": "rst-after"},
    "cut-frame": {"kind": "truncated-frame"},
    "bad-prelude-crc": {"kind": "bad-prelude-crc"},
    "bad-message-crc": {"kind": "bad-message-crc"},
    "ended": {"kind": "eof"},
    "said-nothing": {"kind": "empty"},
    "exception": {"kind": "exception"},
    "error-frame": {"kind": "error-frame"},
}
AMID: Final[Mapping[str, Mapping[str, object]]] = {
    "reset": {"kind": "rst-after", "after": FRAMES},
    "hung-up-in-frame": {"kind": "fin-mid-chunk", "after": FRAMES},
    "hung-up-without-length": {"kind": "fin-without-length", "after": FRAMES},
    "bad-chunk": {"kind": "bad-chunk", "after": FRAMES},
    "cut-frame": {"kind": "truncated-frame", "after": FRAMES},
    "bad-prelude-crc": {"kind": "bad-prelude-crc", "after": FRAMES},
    "bad-message-crc": {"kind": "bad-message-crc", "after": FRAMES},
    "bad-payload": {"kind": "bad-payload", "after": FRAMES},
    "too-long-frame": {"kind": "oversize-frame", "after": FRAMES},
    "too-short-frame": {"kind": "undersize-frame", "after": FRAMES},
    "ended-between-frames": {"kind": "eof", "after": FRAMES},
    "exception": {"kind": "exception", "after": FRAMES},
    "throttled": {"kind": "exception", "after": FRAMES, "error": "ThrottlingException"},
    "error-frame": {"kind": "error-frame", "after": FRAMES},
}
ASKED_ANEW: Final = frozenset({"rst-after", "fin-mid-chunk", "bad-chunk"})
"""Connections that break: an answer of which a client has seen nothing yet is asked for once more."""

SILENCE: Final[Mapping[str, object]] = {"kind": "stall", "after": FRAMES, "seconds": 1.0}
"""One that ends: the answer goes on."""
