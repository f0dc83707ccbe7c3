"""What a simulator is told at its start. Everything here can also be changed while it runs (`/__control/options`)."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

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

    def change(self, changes: dict[str, Any]) -> None:
        """Set fields from JSON values. Raises ValueError, having changed nothing, for one that does not fit."""
        for name, value in changes.items():
            self._check(name, value)
        for name, value in changes.items():
            setattr(self, name, frozenset(value) if name == "opt_rules" else value)

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "opt_rules": sorted(self.opt_rules)}

    def _check(self, name: str, value: object) -> None:
        if name not in {field.name for field in fields(self)}:
            raise ValueError(f"there is no option {name!r}")
        match name, value:
            case "profile", _:
                fits = value in ("auto", *get_args(Profile))
            case "trailer", _:
                fits = value in get_args(TrailerStyle)
            case "opt_rules", list(numbers):
                fits = all(isinstance(number, int) for number in numbers)
            case (("auto_approve" | "max_body_bytes"), _):
                fits = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
            case _, bool() | str():
                fits = type(value) is type(getattr(self, name))
            case _, int() | float():
                fits = type(getattr(self, name)) in (int, float) and value >= 0
            case _:
                fits = False
        if not fits:
            raise ValueError(f"{value!r} does not fit the option {name!r}")
