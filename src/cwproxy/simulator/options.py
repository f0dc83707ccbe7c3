"""What a simulator is told at its start. Everything here can also be changed while it runs (`/__control/options`)."""

from dataclasses import dataclass
from typing import Literal

Profile = Literal["legacy-q", "kiro-runtime"]
TrailerStyle = Literal["2026", "older", "none"]


@dataclass(slots=True)
class SimulatorOptions:
    """Times are seconds.

    profile: "auto" takes the validation profile from the surface that is spoken to (backend-rules.md A).
    pace: pause before every frame; latency: pause before the response headers.
    frames_per_write: how many frames go out in one write when there is no pause between them.
    auto_approve: approve a device login by itself after this many polls; None waits for a person.
    opt_rules: numbers of backend-rules.md that are enforced although they are disputed.
    max_body_bytes: refuse longer request bodies (backend-rules.md A5 58); None does not.
    content_type: of the event streams (protocol.md 1.4 has seen three).
    initial_response: begin streams with the frame that RPC protocols may send (protocol.md 3.1).
    token_usage: put token counts into the metadata event, which the service rarely does (protocol.md 3.3).
    slow_down_step: what `slow_down` adds to the polling interval for good (RFC 8628 3.5).
    page_size: the most that one page of a listing holds, whatever the caller asks for.
    """

    profile: Profile | Literal["auto"] = "auto"
    pace: float = 0.0
    latency: float = 0.0
    frames_per_write: int = 1
    auto_approve: int | None = None
    opt_rules: frozenset[int] = frozenset()
    max_body_bytes: int | None = None
    trailer: TrailerStyle = "2026"
    content_type: str = "application/vnd.amazon.eventstream"
    initial_response: bool = False
    token_usage: bool = False
    poll_interval: float = 1.0
    slow_down_step: float = 5.0
    device_code_lifetime: float = 600.0
    access_token_lifetime: float = 3600.0
    registration_lifetime: float = 90 * 86400.0
    rotate_refresh_tokens: bool = True
    page_size: int = 5
