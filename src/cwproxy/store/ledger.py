"""What was used: one row for each attempt that has ended."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Ending: TypeAlias = Literal["served", "failed", "left"]
"""`left`: by the client, or by us because the answer was long enough; it speaks for nobody and against nobody."""


@dataclass(frozen=True, slots=True)
class Record:
    """One call of the backend for a request.

    at: epoch seconds of its end. seconds: from its start to then. first_seconds: to the first event, None without one.
    model: the backend's id. key_id: of the API key, None where none are asked for.
    failure_class: of the failed ones, such as `throttled`; None of the others.
    tokens: None where nobody counted. credits: of the backend's metering, None where it sent none.
    attempt: from 1. streamed: whether the client asked for a stream.
    """

    at: float
    account_id: str
    model: str
    outcome: Ending
    seconds: float
    key_id: str | None = None
    failure_class: str | None = None
    first_seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    credits: float | None = None
    attempt: int = 1
    streamed: bool = False
